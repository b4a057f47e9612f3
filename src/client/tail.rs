//! Follows rooms for a long time: over lost connections and restarts of the server, each event once.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bridge_core::{ClientId, Epoch, RoomId, Seq};
use tokio::time::Instant;

use super::back_off::BackOff;
use super::error::ClientError;
use super::keys;
use super::session::Session;
use super::token::Token;
use super::url::Address;
use crate::wire::frame::{Rejected, ResumeBody, ResumedBody, RoomEvent, ServerFrame, Welcome};

/// The first pause before a new connection: a restart of the server takes about as long.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// The longest one: somebody who watches a room should not wait longer for a server that is back.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Tries before the first session. A wrong address should be noticed soon; only what has worked
/// once is worth any number of tries.
const FIRST_TRIES_MAX: u32 = 3;

/// Follows rooms.
#[derive(Debug)]
pub struct Follow {
    address: Address,
    client: ClientId,
    token: Token,
    cursors: HashMap<RoomId, Seq>,
    epoch: Option<Epoch>,
    session: Option<Session>,
    /// Where each room's head was when the session began; empty once they have been reached.
    heads: HashMap<RoomId, Seq>,
    told: VecDeque<Followed>,
    back_off: BackOff,
    pause: Option<Duration>,
    /// When the newest session began, if there was one.
    began: Option<Instant>,
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
            address: address.clone(),
            client: client.clone(),
            token: token.clone(),
            cursors,
            epoch,
            session: None,
            heads: HashMap::new(),
            told: VecDeque::new(),
            back_off: BackOff::new(PAUSE_FIRST, PAUSE_MAX),
            pause: None,
            began: None,
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
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
                self.pause = None;
            }
            let step = match &mut self.session {
                None => self.open().await,
                Some(session) => match session.next().await {
                    Ok(Some(frame)) => {
                        self.take(frame);
                        Ok(())
                    }
                    Ok(None) => Err(ClientError::Lost("the server said goodbye".to_owned())),
                    Err(why) => Err(why),
                },
            };
            if let Err(why) = step {
                self.disconnected(why)?;
            }
        }
    }

    /// Says goodbye.
    pub async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }

    async fn open(&mut self) -> Result<(), ClientError> {
        let mut session = Session::connect(&self.address, &self.client, &self.token).await?;
        let resume = ResumeBody {
            epoch: self.epoch,
            broadcast: None,
            rooms: self.cursors.clone(),
        };
        let welcome = session.hello(Some(&resume)).await?;
        self.begin(&welcome)?;
        self.session = Some(session);
        self.began = Some(Instant::now());
        Ok(())
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
        self.back_off.reset();
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

    /// The session is over. Whether another one is worth trying decides what this returns.
    fn disconnected(&mut self, why: ClientError) -> Result<(), ClientError> {
        let had_session = self.session.take().is_some();
        let is_hopeless = self.began.is_none() && self.back_off.tries() == FIRST_TRIES_MAX;
        if !why.may_pass() || is_hopeless {
            return Err(why);
        }
        // A session that lasted was a success, even if nothing was said in it.
        if had_session && self.began.is_some_and(|began| began.elapsed() > PAUSE_MAX) {
            self.back_off.reset();
        }
        let pause = self.back_off.wait(why.retry_after_ms(), keys::jitter());
        self.pause = Some(pause);
        self.told.push_back(Followed::Disconnected {
            why: why.to_string(),
            pause,
        });
        Ok(())
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
