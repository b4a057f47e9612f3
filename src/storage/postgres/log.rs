//! The writing side: one batch, one transaction, one answer, over whatever connection there is.

use bridge_core::event::Stream;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Snapshot};
use bridge_core::{Seq, limits};

use super::owner::{self, Backend, NotOwner, Owner};
use super::session::{Failed, Session, is_full};
use super::{Begun, Conn, Place, wait};

/// The writing side of a PostgreSQL store. It lives on the log writer's thread.
pub struct PostgresLog {
    place: Place,
    owner: Owner,
    session: Option<Session>,
    /// The connection that there was last. Only this side may know that it is gone.
    last: Backend,
}

impl std::fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresLog")
            .field("place", &self.place)
            .field("owner", &self.owner)
            .field("is_connected", &self.session.is_some())
            .finish()
    }
}

impl PostgresLog {
    pub(super) const fn new(place: Place, owner: Owner, session: Session) -> Self {
        Self {
            place,
            owner,
            last: session.backend(),
            session: Some(session),
        }
    }

    /// The connection, or a new one.
    fn session(&mut self) -> Result<&mut Session, LogFailure> {
        if self.session.is_none() {
            let session = self.connect()?;
            self.last = session.backend();
            self.session = Some(session);
            tracing::info!(database = %self.place, "connected again");
        }
        // It was made just now if it was not there.
        self.session
            .as_mut()
            .ok_or_else(|| LogFailure::Unavailable("not connected".to_owned()))
    }

    fn connect(&self) -> Result<Session, LogFailure> {
        let conn = self.place.connect_to_write();
        let mut conn = conn.map_err(LogFailure::Unavailable)?;
        match owner::resume(&mut conn, self.owner) {
            Ok(()) => Session::new(conn, self.owner).map_err(unavailable),
            Err(NotOwner::Fenced) => Err(fenced()),
            Err(NotOwner::Held) => {
                self.end_last(&mut conn);
                Err(unavailable(NotOwner::Held))
            }
            Err(why @ NotOwner::Database(_)) => Err(unavailable(why)),
        }
    }

    /// Nothing of the last connection is under way any more, but it holds the lock until the database
    /// notices that nobody is there, which may take as long as its keepalives. It is told.
    fn end_last(&self, conn: &mut Conn) {
        if let Err(why) = owner::end(conn, self.last) {
            tracing::warn!(error = %why, "the connection that was lost cannot be ended");
        }
    }

    /// Lets the connection work, and lets go of it when it is lost.
    fn work<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Result<T, Failed>,
    ) -> Result<Result<T, Failed>, LogFailure> {
        let done = work(self.session()?);
        if matches!(
            done,
            Err(Failed::Lost(_) | Failed::AtCommit { .. } | Failed::Fenced)
        ) {
            self.session = None;
        }
        Ok(done)
    }

    /// Finds out what became of a batch whose commit was not answered: on a new connection, when
    /// the old one has surely ended, by looking whether it is in the log.
    fn resolve(
        &mut self,
        batch: &[&Append],
        why: &str,
        answers: Vec<Answer>,
    ) -> Result<Vec<Answer>, LogFailure> {
        tracing::warn!(
            error = why,
            "a commit was not answered; looking whether it was done"
        );
        let begun = Begun::now();
        loop {
            let looked = self.work(|session| session.has_landed(batch, &answers));
            match looked {
                Ok(Ok(true)) => {
                    tracing::info!("it was");
                    return Ok(answers);
                }
                Ok(Ok(false)) => {
                    tracing::info!("it was not");
                    return Err(LogFailure::Aborted(why.to_owned()));
                }
                Ok(Err(Failed::Fenced)) | Err(LogFailure::Broken(_)) => return Err(fenced()),
                Ok(Err(_)) | Err(_) if begun.is_past(limits::COMMIT_RESOLVED_WITHIN) => {
                    return Err(LogFailure::Unknown(why.to_owned()));
                }
                Ok(Err(_)) | Err(_) => wait(limits::COMMIT_LOOKED_FOR_EVERY),
            }
        }
    }
}

fn unavailable(why: impl std::fmt::Display) -> LogFailure {
    LogFailure::Unavailable(why.to_string())
}

fn fenced() -> LogFailure {
    LogFailure::Broken(NotOwner::Fenced.to_string())
}

/// What a failure before the commit means.
fn meaning(failed: Failed) -> LogFailure {
    match failed {
        Failed::RolledBack(trouble) if is_full(&trouble) => LogFailure::Full(trouble.to_string()),
        Failed::RolledBack(trouble) => LogFailure::Aborted(trouble.to_string()),
        Failed::Lost(why) => LogFailure::Unavailable(why),
        Failed::AtCommit { why, .. } => LogFailure::Unknown(why),
        Failed::Fenced => fenced(),
    }
}

impl Log for PostgresLog {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        let mut done = self.work(|session| session.append(batch))?;
        if let Err(Failed::Lost(why)) = &done {
            // Perhaps long ago, when the database was started again: nothing was written, and it
            // may be there by now.
            tracing::info!(error = %why, "the connection to the database was lost");
            done = self.work(|session| session.append(batch))?;
        }
        match done {
            Ok(answers) => Ok(answers),
            Err(Failed::AtCommit { why, answers }) => self.resolve(batch, &why, answers),
            Err(failed) => Err(meaning(failed)),
        }
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        let saved = self.work(|session| session.save_snapshot(stream, snapshot))?;
        saved.map_err(meaning)
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        if done.is_empty() {
            return Ok(());
        }
        let forgotten = self.work(|session| session.forget_follow_ups(done))?;
        forgotten.map_err(meaning)
    }

    /// The database keeps itself. When nothing else is to be done, it is asked whether it is there,
    /// and still ours.
    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        if !idle {
            return Ok(());
        }
        let mut asked = self.work(Session::ping)?;
        if matches!(asked, Err(Failed::Lost(_))) {
            // Perhaps long ago: it may be there by now.
            asked = self.work(Session::ping)?;
        }
        asked.map_err(meaning)
    }
}
