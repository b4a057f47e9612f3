//! Follows rooms for a long time: over lost connections and restarts of the server, each event once.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bridge_core::{ClientId, Epoch, RoomId, Seq};

use super::error::ClientError;
use super::link::{Link, Linked};
use super::session::Mail;
use super::token::Token;
use super::url::Address;
use crate::wire::frame::{Rejected, ResumeBody, ResumedBody, RoomEvent, ServerFrame, Welcome};

/// Follows rooms. It takes none of the client's messages: who only watches rooms would let them
/// count as tried.
#[derive(Debug)]
pub struct Follow {
    link: Link,
    cursors: HashMap<RoomId, Seq>,
    epoch: Option<Epoch>,
    /// Where each room's head was when the session began; empty once they have been reached.
    heads: HashMap<RoomId, Seq>,
    told: VecDeque<Followed>,
}

/// What happens to a follower.
#[derive(Debug, Clone)]
pub enum Followed {
    /// A session has begun; this is what it promises for a room. When it is not `complete`, events
    /// between the follower's cursor and `from` are missing, or the log is another one.
    Resumed {
        /// Which room.
        room: RoomId,
        /// What is promised.
        resumed: ResumedBody,
    },
    /// Something happened in a room.
    Event(RoomEvent),
    /// Everything that had happened when the session began has been told.
    CaughtUp,
    /// The connection is gone; the next call waits and tries again.
    Disconnected {
        /// Why.
        why: String,
        /// How long it will wait.
        pause: Duration,
    },
}

impl Follow {
    /// A follower of these rooms, of which the client has to be a member. A cursor says which event
    /// was the last that is not wanted; the epoch, of which life of the log the cursors are.
    #[must_use]
    pub fn new(
        address: &Address,
        client: &ClientId,
        token: &Token,
        cursors: HashMap<RoomId, Seq>,
        epoch: Option<Epoch>,
    ) -> Self {
        Self {
            link: Link::new(address, client, token, Mail::Left),
            cursors,
            epoch,
            heads: HashMap::new(),
            told: VecDeque::new(),
        }
    }

    /// The next thing that happens. It can be given up at any time without losing anything.
    ///
    /// # Errors
    /// When trying again would not help: the server closed for good (codes from 4500), the client
    /// is no member, or the very first connection failed.
    pub async fn next(&mut self) -> Result<Followed, ClientError> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Ok(told);
            }
            let (cursors, epoch) = (&self.cursors, self.epoch);
            let resume = || ResumeBody {
                epoch,
                rooms: cursors.clone(),
                broadcast: None,
            };
            match self.link.next(resume).await? {
                Linked::Began(welcome) => self.begin(&welcome)?,
                Linked::Frame(frame) => self.take(frame),
                Linked::Lost { why, pause } => {
                    return Ok(Followed::Disconnected { why, pause });
                }
            }
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        self.link.close().await;
    }

    fn begin(&mut self, welcome: &Welcome) -> Result<(), ClientError> {
        let is_same_log = self.epoch.is_none_or(|epoch| epoch == welcome.epoch);
        self.epoch = Some(welcome.epoch);
        self.heads.clear();
        for (room, cursor) in &mut self.cursors {
            let Some(resumed) = welcome.resumed.get(room) else {
                return Err(not_a_member(room));
            };
            // A member's cursor in the same log is complete, or it is ahead of the head and moves
            // back. One that is neither is how the server answers somebody who is no member.
            if is_same_log && !resumed.complete && resumed.from == *cursor {
                return Err(not_a_member(room));
            }
            *cursor = resumed.from;
            self.heads.insert(room.clone(), resumed.to);
            let (room, resumed) = (room.clone(), resumed.clone());
            self.told.push_back(Followed::Resumed { room, resumed });
        }
        self.check_heads();
        Ok(())
    }

    fn take(&mut self, frame: ServerFrame) {
        let ServerFrame::Event(event) = frame else {
            return;
        };
        // All the client's rooms are live; the others are not followed.
        let Some(cursor) = self.cursors.get_mut(&event.room) else {
            return;
        };
        if event.seq <= *cursor {
            return;
        }
        *cursor = event.seq;
        self.link.is_useful();
        self.told.push_back(Followed::Event(event));
        self.check_heads();
    }

    fn check_heads(&mut self) {
        let cursors = &self.cursors;
        let is_behind = |(room, head): (&RoomId, &Seq)| cursors.get(room).is_some_and(|c| c < head);
        if !self.heads.is_empty() && !self.heads.iter().any(is_behind) {
            self.heads.clear();
            self.told.push_back(Followed::CaughtUp);
        }
    }
}

/// The refusal that a request to the room would bring.
#[must_use]
pub fn not_a_member(room: &RoomId) -> ClientError {
    ClientError::rejected(Rejected {
        reference: None,
        code: "not_a_member".to_owned(),
        number: 1201,
        message: format!("you are not a member of the room {room}; join it first"),
        temporary: false,
        retry_after_ms: None,
    })
}

#[cfg(test)]
mod tests;
