//! Takes a client's messages for a long time: over lost connections and restarts of the server.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use bridge_core::message::{AckStage, Recipients};
use bridge_core::{ClientId, Epoch, IdempotencyKey, MessageId, Seq};
use serde_json::{Value, json};

use super::error::{ClientError, Refusal};
use super::keys;
use super::link::{Link, Linked};
use super::session::{Mail, ack_frame};
use super::token::Token;
use super::url::Address;
use crate::wire::frame::{Message, ReceiptBody, Rejected, ResumeBody, ResumedBody, ServerFrame};

/// Messages that are remembered, so that one that comes again is known. More than can wait in a
/// mailbox, so that every one that may come again is among them.
const KNOWN_MAX: usize = 16_384;

/// Takes messages.
#[derive(Debug)]
pub struct Listen {
    link: Link,
    /// The last message to `all` that was told; none until the server has said where it begins.
    broadcast: Option<Seq>,
    epoch: Option<Epoch>,
    known: Known,
    owed: Option<Owed>,
}

/// What happens to a listener.
#[derive(Debug, Clone)]
pub enum Heard {
    /// A session has begun; this is what it promises for messages to `all`.
    Began(ResumedBody),
    /// A message came.
    Message {
        /// The message.
        message: Box<Message>,
        /// Whether it has been told before: nobody has confirmed it in time.
        is_repeat: bool,
    },
    /// Something became of a message that this client sent.
    Receipt(ReceiptBody),
    /// An acknowledgement is durable.
    Acknowledged(MessageId),
    /// One was refused. When that is temporary, it will be said again.
    NotAcknowledged {
        /// Of which message.
        id: MessageId,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// The connection is gone; the next call waits and tries again.
    Disconnected {
        /// Why.
        why: String,
        /// How long it will wait.
        pause: Duration,
    },
}

/// An acknowledgement that is not known to be durable yet.
#[derive(Debug)]
struct Owed {
    id: MessageId,
    stage: AckStage,
    key: IdempotencyKey,
}

impl Owed {
    fn frame(&self) -> Value {
        let mut frame = ack_frame(self.id, self.stage, None);
        frame["key"] = json!(self.key);
        frame
    }
}

impl Listen {
    /// A listener for this client. It begins with everything that waits, and with the messages to
    /// `all` that the client has not read.
    #[must_use]
    pub fn new(address: &Address, client: &ClientId, token: &Token) -> Self {
        Self {
            link: Link::new(address, client, token, Mail::Taken),
            broadcast: None,
            epoch: None,
            known: Known::default(),
            owed: None,
        }
    }

    /// The next thing that happens. It can be given up at any time without losing anything.
    ///
    /// # Errors
    /// When trying again would not help: the server closed for good (codes from 4500), the token
    /// lacks the scope `message`, or the very first connection failed.
    pub async fn next(&mut self) -> Result<Heard, ClientError> {
        loop {
            let linked = match (&self.owed, self.link.session()) {
                (Some(owed), Some(session)) => {
                    let (id, frame) = (owed.id, owed.frame());
                    match session.store(frame, "ack").await {
                        Ok(_) => {
                            self.owed = None;
                            return Ok(Heard::Acknowledged(id));
                        }
                        Err(ClientError::Refused(refusal)) => {
                            self.owed = self.owed.take().filter(|_| refusal.rejected.temporary);
                            return Ok(Heard::NotAcknowledged { id, refusal });
                        }
                        Err(why) => self.link.lost(why)?,
                    }
                }
                _ => {
                    let (epoch, broadcast) = (self.epoch, self.broadcast);
                    let resume = || ResumeBody {
                        epoch,
                        broadcast,
                        ..ResumeBody::default()
                    };
                    self.link.next(resume).await?
                }
            };
            if let Some(heard) = self.take(linked)? {
                return Ok(heard);
            }
        }
    }

    /// Says how far one has come with a message, by the calls of [`Listen::next`] that follow. It
    /// is said before anything more is told, and again after a lost connection, until it is known
    /// to be durable.
    pub fn acknowledge(&mut self, id: MessageId, stage: AckStage) {
        debug_assert!(self.owed.is_none(), "no message is told while one is owed");
        let key = keys::new_key();
        self.owed = Some(Owed { id, stage, key });
    }

    /// Whether an acknowledgement is not known to be durable yet.
    #[must_use]
    pub const fn owes(&self) -> bool {
        self.owed.is_some()
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.link.close().await;
    }

    fn take(&mut self, linked: Linked) -> Result<Option<Heard>, ClientError> {
        Ok(match linked {
            Linked::Began(welcome) => {
                // Without the scope there is nothing to wait for, and nobody would say so.
                let resumed = welcome.broadcast.ok_or_else(scope_missing)?;
                self.epoch = Some(welcome.epoch);
                self.broadcast = Some(resumed.from);
                Some(Heard::Began(resumed))
            }
            Linked::Frame(ServerFrame::Message(message)) => {
                self.link.is_useful();
                if message.to == Recipients::All {
                    self.broadcast = self.broadcast.max(Some(message.seq));
                }
                let is_repeat = !self.known.note(message.id);
                Some(Heard::Message { message, is_repeat })
            }
            Linked::Frame(ServerFrame::Receipt(receipt)) => Some(Heard::Receipt(receipt)),
            // The client's rooms are live, too, and followed by others.
            Linked::Frame(_) => None,
            Linked::Lost { why, pause } => Some(Heard::Disconnected { why, pause }),
        })
    }
}

/// The refusal that a request about messages would bring.
fn scope_missing() -> ClientError {
    ClientError::rejected(Rejected {
        reference: None,
        code: "scope_missing".to_owned(),
        number: 1102,
        message: "the token lacks the scope message".to_owned(),
        temporary: false,
        retry_after_ms: None,
    })
}

/// The messages that were told lately.
#[derive(Debug, Default)]
struct Known {
    ids: HashSet<MessageId>,
    order: VecDeque<MessageId>,
}

impl Known {
    /// Takes note of a message; `true` when it is a new one.
    fn note(&mut self, id: MessageId) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        if self.order.len() == KNOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.order.push_back(id);
        true
    }
}

#[cfg(test)]
mod tests;
