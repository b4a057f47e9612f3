//! Messages that are followed to the sockets of those who read a stream.

use std::sync::Arc;

use bridge_core::limits;

use super::News;
use crate::actors::handle::SessionHandle;
use crate::actors::outbox::Note;
use crate::system::Stopwatch;
use crate::telemetry::spans::{Followed, Receiver};

/// The messages among some news that are followed, and to how many more sessions.
pub(super) struct Following {
    messages: Arc<[Followed]>,
    since: Stopwatch,
    sessions: usize,
    left: usize,
}

impl Following {
    /// None when none of them is followed, as nearly always.
    pub(super) fn begin(news: &[News], sessions: usize) -> Option<Self> {
        if news.iter().all(|news| news.followed.is_none()) {
            return None;
        }
        let messages = news.iter().filter_map(|news| news.followed.clone());
        Some(Self {
            messages: messages.collect(),
            since: Stopwatch::start(),
            sessions,
            left: limits::SPANS_OF_RECEIVERS_MAX,
        })
    }

    /// What is to be done when a session's socket has taken them. Not for every session: a room of
    /// thousands would be thousands of spans for a post.
    pub(super) fn note(&mut self, session: &SessionHandle) -> Option<Note> {
        self.left = self.left.checked_sub(1)?;
        let receiver = Receiver {
            client: session.client().clone(),
            session: session.id(),
            attempt: None,
            of: Some(self.sessions),
        };
        let (messages, since) = (Arc::clone(&self.messages), self.since);
        Some(Note::new(move || {
            for message in &*messages {
                message.written(&receiver, since);
            }
        }))
    }
}
