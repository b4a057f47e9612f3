//! Those who are told a stream as it goes on: its newest records, framed, and the sessions that
//! get them.

mod attach;
mod following;
mod subscribers;

use bridge_core::replay::Tail;
use bridge_core::session::CloseReason;
use bridge_core::{Reject, Seq, SessionId, Timestamp, limits};
use bytes::Bytes;
use tokio::sync::watch;

use super::handle::{Attached, SessionHandle};
use super::outbox::Accepted;

use crate::telemetry::spans::Followed;
pub(super) use attach::{Attach, Detach, Readable};
use following::Following;
use subscribers::Subscribers;

/// What a stream's owner knows of its readers.
pub(super) struct Readers {
    tail: Tail<Recent>,
    head: watch::Sender<Seq>,
    /// The sessions that are told everything.
    pub(super) subscribers: Subscribers,
    attaching: Vec<Attach>,
}

/// A recent record, for those who come later.
#[derive(Debug)]
struct Recent {
    frame: Bytes,
    expires_at: Option<Timestamp>,
}

/// One record on its way to every session: the frame for all, and another for the one who caused
/// it.
#[derive(Debug)]
pub(super) struct News {
    pub(super) seq: Seq,
    pub(super) frame: Bytes,
    pub(super) answer: Option<(SessionId, Bytes)>,
    /// Who comes after this time is not told any more.
    pub(super) expires_at: Option<Timestamp>,
    /// The message in it, if it is one that is followed.
    pub(super) followed: Option<Followed>,
}

impl News {
    fn frame_for(&self, session: SessionId) -> Bytes {
        match &self.answer {
            Some((asker, frame)) if *asker == session => frame.clone(),
            _ => self.frame.clone(),
        }
    }
}

impl Readers {
    /// Nobody yet, and a view of the last record that was told.
    pub(super) fn new() -> (Self, watch::Receiver<Seq>) {
        let (head, watching) = watch::channel(Seq::ZERO);
        let readers = Self {
            tail: tail_behind(Seq::ZERO),
            head,
            subscribers: Subscribers::default(),
            attaching: Vec::new(),
        };
        (readers, watching)
    }

    /// Begins behind a record: there is nobody who was told anything before it.
    pub(super) fn begin_behind(&mut self, head: Seq) {
        self.tail = tail_behind(head);
        self.head.send_replace(head);
    }

    /// The last record that was told.
    pub(super) const fn head(&self) -> Seq {
        self.tail.head()
    }

    /// Puts news into every outbox, and into the tail for those who come later. `accepted` is since
    /// when the server has had them. Returns the sessions that are told nothing any more.
    pub(super) fn tell(
        &mut self,
        news: Vec<News>,
        accepted: Option<Accepted>,
    ) -> Vec<SessionHandle> {
        if news.is_empty() {
            return Vec::new();
        }
        let mut gone = Vec::new();
        let mut following = Following::begin(&news, self.subscribers.len());
        for subscriber in self.subscribers.iter_mut() {
            let id = subscriber.session.id();
            let contiguous = news
                .iter()
                .all(|n| subscriber.cursor.advance(n.seq).is_ok());
            if !contiguous {
                tracing::error!(session = %id, "a session would have missed an event");
                subscriber.session.close(CloseReason::ServerError);
                gone.push(id);
                continue;
            }
            let frames = news.iter().map(|n| n.frame_for(id));
            let outbox = subscriber.session.outbox();
            let note = following.as_mut().and_then(|f| f.note(&subscriber.session));
            if outbox.push_accepted(frames, accepted, note).is_err() {
                // The session notices by itself, and closes or has closed.
                gone.push(id);
            }
        }
        for n in news {
            let bytes = n.frame.len();
            let recent = Recent {
                frame: n.frame,
                expires_at: n.expires_at,
            };
            self.tail.push(recent, bytes);
        }
        self.head.send_replace(self.tail.head());
        let gone = gone.into_iter();
        gone.filter_map(|id| self.subscribers.remove(id)).collect()
    }

    /// Makes a session live, if the tail reaches back far enough. What has expired by `now` is left
    /// out.
    fn attach(
        &mut self,
        session: SessionHandle,
        after: Seq,
        now: Timestamp,
    ) -> Result<Attached, Reject> {
        let head = self.tail.head();
        let Some(missed) = self.tail.after(after) else {
            return Ok(Attached::Behind { head });
        };
        let frames = missed
            .filter(|(_, recent)| recent.expires_at.is_none_or(|at| now < at))
            .map(|(_, recent)| recent.frame.clone());
        if session.outbox().push(frames).is_err() {
            return Err(Reject::Retry {
                detail: "the session is going away",
            });
        }
        self.subscribers.add(session, head);
        Ok(Attached::Live)
    }

    /// Those who wait to be attached are told that it does not come to that.
    pub(super) fn refuse_attaching(&mut self, reject: &Reject) {
        for waiting in std::mem::take(&mut self.attaching) {
            waiting.reply.send(Err(reject.clone()));
        }
    }
}

fn tail_behind(head: Seq) -> Tail<Recent> {
    Tail::new(head, limits::TAIL_RECORDS_MAX, limits::TAIL_BYTES_MAX)
}
