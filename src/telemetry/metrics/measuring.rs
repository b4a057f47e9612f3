//! A request on its way, from its beginning to its end.

use std::fmt;

use bridge_core::{MessageId, Reject};

use super::Metrics;
use super::labels::{Ended, MessageOutcome, Operation};
use crate::system::Stopwatch;
use crate::telemetry::spans::{Followed, Remote, Spans};
use crate::telemetry::subject::Subject;

/// A request on its way. One that is dropped before its end was given up by whoever asked, and counts
/// for nothing.
pub struct Measuring {
    metrics: Metrics,
    operation: Operation,
    since: Stopwatch,
    /// None when nobody wants to know.
    about: Option<Box<About>>,
}

/// What is noted of a request that sends something.
struct About {
    subject: Subject,
    followed: Option<Followed>,
    remote: Option<Remote>,
}

impl fmt::Debug for Measuring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Measuring({:?})", self.operation)
    }
}

impl Measuring {
    pub(super) fn begin(metrics: Metrics, operation: Operation) -> Self {
        Self {
            metrics,
            operation,
            since: Stopwatch::start(),
            about: None,
        }
    }

    /// What a request that sends this message is about is noted, if somebody wants to know.
    #[must_use]
    pub fn about(
        mut self,
        spans: &Spans,
        message: MessageId,
        subject: impl FnOnce() -> Option<Subject>,
    ) -> Self {
        let followed = spans.of(message);
        if followed.is_none() && !self.metrics.shows_names() {
            return self;
        }
        self.about = subject().map(|subject| {
            let remote = followed.as_ref().and_then(|_| Remote::current());
            Box::new(About {
                subject,
                followed,
                remote,
            })
        });
        self
    }

    /// It was done; as a `duplicate` when it had been before.
    pub fn done(self, duplicate: bool) {
        let outcome = match duplicate {
            true => MessageOutcome::Duplicate,
            false => MessageOutcome::Stored,
        };
        self.end(Ended::Ok, outcome);
    }

    /// It was refused.
    pub fn refused(self, reject: &Reject) {
        self.end(Ended::from(reject), MessageOutcome::Refused);
    }

    /// It ended like this; `is_duplicate` says of what came of it whether it had been there before.
    pub fn ended<T>(self, outcome: &Result<T, Reject>, is_duplicate: impl FnOnce(&T) -> bool) {
        match outcome {
            Ok(done) => self.done(is_duplicate(done)),
            Err(reject) => self.refused(reject),
        }
    }

    fn end(self, ended: Ended, outcome: MessageOutcome) {
        let took = self.since.elapsed();
        self.metrics.ended(self.operation, ended, took);
        let Some(kind) = self.operation.sends() else {
            return;
        };
        let about = self.about.as_deref();
        self.metrics
            .message(kind, outcome, about.map(|about| &about.subject));
        if let Some(about) = about
            && let Some(followed) = &about.followed
        {
            followed.accepted(&about.subject, outcome, self.since, about.remote);
        }
    }
}
