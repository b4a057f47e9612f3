//! A connection that is made again, for as long as that can help.

use std::time::Duration;

use bridge_core::ClientId;
use tokio::time::Instant;

use super::back_off::BackOff;
use super::error::ClientError;
use super::keys;
use super::session::{Mail, Session};
use super::token::Token;
use super::url::Address;
use crate::wire::frame::{ResumeBody, ServerFrame, Welcome};

/// The first pause before a new connection: a restart of the server takes about as long.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
/// The longest one: somebody who watches should not wait longer for a server that is back.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Tries before the first session. A wrong address should be noticed soon; only what has worked
/// once is worth any number of tries.
pub(super) const FIRST_TRIES_MAX: u32 = 3;

/// One session after the other.
#[derive(Debug)]
pub(super) struct Link {
    address: Address,
    client: ClientId,
    token: Token,
    mail: Mail,
    session: Option<Session>,
    back_off: BackOff,
    pause: Option<Duration>,
    /// When the newest session began, if there was one.
    began: Option<Instant>,
}

/// What happens to a connection.
#[derive(Debug)]
pub(super) enum Linked {
    /// A session has begun.
    Began(Box<Welcome>),
    /// It received something.
    Frame(ServerFrame),
    /// It is gone; the next call waits and tries again.
    Lost {
        /// Why.
        why: String,
        /// How long it will wait.
        pause: Duration,
    },
}

impl Link {
    pub(super) fn new(address: &Address, client: &ClientId, token: &Token, mail: Mail) -> Self {
        Self {
            address: address.clone(),
            client: client.clone(),
            token: token.clone(),
            mail,
            session: None,
            back_off: BackOff::new(PAUSE_FIRST, PAUSE_MAX),
            pause: None,
            began: None,
        }
    }

    /// The session, while there is one.
    pub(super) const fn session(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// The next thing that happens. It can be given up at any time without losing anything.
    ///
    /// # Errors
    /// When trying again would not help.
    pub(super) async fn next(
        &mut self,
        resume: impl FnOnce() -> ResumeBody,
    ) -> Result<Linked, ClientError> {
        if let Some(pause) = self.pause {
            tokio::time::sleep(pause).await;
            self.pause = None;
        }
        let step = match &mut self.session {
            None => self.open(&resume()).await,
            Some(session) => match session.next().await {
                Ok(Some(frame)) => Ok(Linked::Frame(frame)),
                Ok(None) => Err(ClientError::Lost("the server said goodbye".to_owned())),
                Err(why) => Err(why),
            },
        };
        step.or_else(|why| self.lost(why))
    }

    async fn open(&mut self, resume: &ResumeBody) -> Result<Linked, ClientError> {
        let mut session = Session::connect(&self.address, &self.client, &self.token).await?;
        let welcome = session.hello(Some(resume), self.mail).await?;
        self.session = Some(session);
        self.began = Some(Instant::now());
        Ok(Linked::Began(Box::new(welcome)))
    }

    /// The session is over. Whether another one is worth trying decides what this returns.
    ///
    /// # Errors
    /// The error itself, when it is not.
    pub(super) fn lost(&mut self, why: ClientError) -> Result<Linked, ClientError> {
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
        Ok(Linked::Lost {
            why: why.to_string(),
            pause,
        })
    }

    /// Something came of it: the next pause is a short one again.
    pub(super) const fn is_useful(&mut self) {
        self.back_off.reset();
    }

    /// Says goodbye.
    pub(super) async fn close(self) {
        if let Some(session) = self.session {
            session.close().await;
        }
    }
}
