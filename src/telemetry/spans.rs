//! One message on its way from its sender to its receivers, as spans for OpenTelemetry.
//!
//! Nothing is passed along with a message for that: its id is the id of its trace, and the span of its
//! acceptance, under which all others stand, follows from the id too. So whoever sees a message anywhere
//! can add to its trace, also after a restart. No span has a text, a payload or metadata.

mod export;
mod otlp;
mod remote;
mod settings;
mod span;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::event::{Envelope, Event};
use bridge_core::{ClientId, MessageId, SessionId, limits};
use metrics::Counter;
use tokio::sync::mpsc;

use super::metrics::{MessageOutcome, Metrics};
use super::subject::{Subject, To};
use crate::system::{self, Stopwatch};

pub use export::Exporter;
pub use remote::{Remote, within};
pub use settings::{Settings, WrongSetting};
use span::{Name, Span, SpanId, TraceId, Value};

/// Where spans go. Cheap to clone; when they go nowhere, asking for one is a branch.
#[derive(Clone, Default)]
pub struct Spans(Option<Arc<Inside>>);

struct Inside {
    /// Of 2^56 messages, how many are followed.
    followed: u64,
    queue: mpsc::Sender<Span>,
    dropped: Counter,
}

/// A message that is followed.
#[derive(Clone)]
pub struct Followed {
    inside: Arc<Inside>,
    message: MessageId,
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_on() { "on" } else { "off" };
        write!(f, "Spans({what})")
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Followed({})", self.message)
    }
}

impl Spans {
    /// They go nowhere.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Spans, and what takes them to a collector; it has to be run.
    ///
    /// # Errors
    /// When the system does not let anybody speak HTTP.
    pub fn start(
        settings: Settings,
        metrics: &Metrics,
    ) -> Result<(Self, Exporter), reqwest::Error> {
        let (queue, spans) = mpsc::channel(limits::SPANS_QUEUE_MAX);
        let dropped = metrics.spans_dropped();
        let followed = settings.of_all_messages();
        let exporter = Exporter::new(settings, spans, dropped.clone())?;
        let inside = Inside {
            followed,
            queue,
            dropped,
        };
        Ok((Self(Some(Arc::new(inside))), exporter))
    }

    /// Whether any message is followed.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A message, if it is one of those that are followed: that is decided by its id alone, so that all
    /// who ask agree.
    #[must_use]
    pub fn of(&self, message: MessageId) -> Option<Followed> {
        let inside = self.0.as_ref()?;
        let is_followed = span::lot(message) < inside.followed;
        is_followed.then(|| Followed {
            inside: Arc::clone(inside),
            message,
        })
    }

    /// The same, for a record by which a message came to be.
    #[must_use]
    pub fn of_record(&self, record: &Envelope) -> Option<Followed> {
        self.0.as_ref()?;
        match &record.event {
            Event::MessageStored(stored) => self.of(stored.id),
            Event::Posted(posted) => self.of(posted.id),
            _ => None,
        }
    }
}

impl Followed {
    /// A request to send it has ended. `remote` is what the request itself was a part of.
    pub fn accepted(
        &self,
        subject: &Subject,
        outcome: MessageOutcome,
        since: Stopwatch,
        remote: Option<Remote>,
    ) {
        let mut span = self.span(Name::Accept, since.elapsed());
        span.id = SpanId::of_acceptance(self.message);
        span.parent = None;
        span.is_error = outcome == MessageOutcome::Refused;
        span.text("bridge.from", &subject.from);
        match &subject.to {
            To::Client(client) => span.text("bridge.to", client),
            To::Several => span.text("bridge.to", "several"),
            To::All => span.text("bridge.to", "all"),
            To::Room(room, channel) => {
                span.text("bridge.room", room);
                span.text("bridge.channel", channel);
            }
        }
        span.text("bridge.outcome", outcome.word());
        let answered = subject.reply_to.map(|message| {
            let trace = TraceId::of(message);
            (trace, SpanId::of_acceptance(message))
        });
        span.links.extend(answered);
        span.links.extend(remote.map(Remote::link));
        self.give(span);
    }

    /// A record of it is durable, `took` after it was handed to the log.
    pub fn stored(&self, record: &Envelope, took: Duration) {
        let stream = record.stream.to_string();
        let mut span = self.span(Name::Store, took);
        if record.by == ClientId::system() {
            // Nobody asked for what the server says by itself, so its trace begins here.
            span.id = SpanId::of_acceptance(self.message);
            span.parent = None;
        } else {
            span.id = SpanId::of(self.message, Name::Store, &[stream.as_bytes()]);
        }
        span.text("bridge.stream", stream);
        span.number("bridge.seq", record.seq.get());
        self.give(span);
    }

    /// It was written to a receiver's socket, `since` it was put where that takes it from.
    pub fn written(&self, to: &Receiver, since: Stopwatch) {
        let mut span = self.span(Name::Deliver, since.elapsed());
        let attempt = to.attempt.unwrap_or_default();
        let who = [&to.session.as_bytes()[..], &attempt.to_be_bytes()];
        span.id = SpanId::of(self.message, Name::Deliver, &who);
        span.text("bridge.receiver", &to.client);
        span.text("bridge.session", to.session);
        if let Some(attempt) = to.attempt {
            span.number("bridge.attempt", u64::from(attempt));
        }
        if let Some(receivers) = to.of {
            span.number("bridge.receivers", receivers as u64);
        }
        self.give(span);
    }

    /// A receiver has fetched it by a call, for this time.
    pub fn fetched(&self, by: &ClientId, attempt: u32) {
        let mut span = self.span(Name::Deliver, Duration::ZERO);
        let who = [by.as_str().as_bytes(), &attempt.to_be_bytes()];
        span.id = SpanId::of(self.message, Name::Deliver, &who);
        span.text("bridge.receiver", by);
        span.number("bridge.attempt", u64::from(attempt));
        self.give(span);
    }

    /// Its receiver has come so far with it, or it has ended there.
    pub fn reached(&self, stage: Reached, by: &ClientId) {
        let name = match stage {
            Reached::Seen => Name::Seen,
            Reached::Done => Name::Done,
            Reached::Expired => Name::Expired,
            Reached::Dead => Name::Dead,
        };
        let mut span = self.span(name, Duration::ZERO);
        span.id = SpanId::of(self.message, name, &[by.as_str().as_bytes()]);
        span.is_error = matches!(stage, Reached::Expired | Reached::Dead);
        span.text("bridge.receiver", by);
        self.give(span);
    }

    /// A span that ends now, under that of the acceptance.
    fn span(&self, name: Name, took: Duration) -> Span {
        let ended = system::since_1970();
        Span {
            trace: TraceId::of(self.message),
            id: SpanId::of(self.message, name, &[]),
            parent: Some(SpanId::of_acceptance(self.message)),
            links: Vec::new(),
            name,
            began: ended.saturating_sub(took),
            ended,
            attributes: vec![("bridge.message", Value::Text(self.message.to_string()))],
            is_error: false,
        }
    }

    /// Nobody waits for a span: when the queue is full it is dropped, and counted.
    fn give(&self, span: Span) {
        if self.inside.queue.try_send(span).is_err() {
            self.inside.dropped.increment(1);
        }
    }
}

/// Whose socket took a message.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Whose.
    pub client: ClientId,
    /// Which of theirs.
    pub session: SessionId,
    /// For which time, when that is counted.
    pub attempt: Option<u32>,
    /// How many sessions got it, when not all of them have spans.
    pub of: Option<usize>,
}

/// How far a receiver has come with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It was seen.
    Seen,
    /// It was finished with.
    Done,
    /// Its time was over.
    Expired,
    /// It has failed too often.
    Dead,
}

#[cfg(test)]
mod tests;
