//! What the server measures, for `/metrics`.
//!
//! Handles are made once, so that to count is an addition. What is known anyway is read when somebody
//! asks. Each server has a recorder of its own: two of them in one process do not mix.

mod by_name;
mod labels;
mod maker;
mod measuring;
mod names;
mod rooms;
mod sent;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::Reject;
use bridge_core::message::Ending;
use metrics::{Counter, Histogram, Recorder};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use crate::wire::codes;
use by_name::ByName;
use labels::Ended;
use maker::Maker;
use sent::Sent;

use crate::telemetry::subject::Subject;

pub use by_name::Connected;
pub use labels::{MessageKind, MessageOutcome, Operation, Shown, Transport};
pub use measuring::Measuring;
pub use rooms::AwakeRoom;

/// What the server measures. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inside>);

struct Inside {
    recorder: PrometheusRecorder,
    prometheus: PrometheusHandle,
    process: metrics_process::Collector,
    sent: Sent,
    /// None unless an operator wants to see clients and rooms by name.
    by_name: Option<ByName>,
    latency: [Histogram; MessageKind::ALL.len()],
    operations: [[Histogram; Ended::ALL.len()]; Operation::ALL.len()],
    room_members: Histogram,
    accepted: [Counter; Transport::ALL.len()],
    refused: [Counter; Transport::ALL.len()],
    outbox: Histogram,
    slow_consumers: Counter,
    mailbox_depth: Histogram,
    redeliveries: Counter,
    log: LogMetrics,
}

/// What the log writer measures.
#[derive(Clone)]
pub struct LogMetrics {
    rows: Histogram,
    commit: Histogram,
    queue: Histogram,
}

/// What is known without being counted, at the moment that somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Rooms that are awake.
    pub rooms_awake: usize,
    /// Rooms that are held back.
    pub rooms_quarantined: usize,
    /// Clients that are connected.
    pub connected: [usize; Transport::ALL.len()],
    /// The same for each client, if they are shown by name.
    pub clients: Vec<Connected>,
    /// Parts of the server, and how often something in them began anew.
    pub restarts: Vec<(&'static str, u64)>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Nothing measured yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(None)
    }

    /// The same with clients, rooms and channels as labels: so many values of each at most, and the
    /// rest together.
    #[must_use]
    pub fn by_name(values_max: usize) -> Self {
        Self::with(Some(values_max))
    }

    fn with(names_max: Option<usize>) -> Self {
        let recorder = recorder();
        for named in names::COUNTERS {
            recorder.describe_counter(named.name.into(), None, named.says.into());
        }
        for named in names::GAUGES {
            recorder.describe_gauge(named.name.into(), None, named.says.into());
        }
        for (named, _) in names::HISTOGRAMS {
            recorder.describe_histogram(named.name.into(), None, named.says.into());
        }
        let process = metrics_process::Collector::default();
        metrics::with_local_recorder(&recorder, || process.describe());
        let maker = Maker(&recorder);
        let log = LogMetrics {
            rows: maker.histogram(names::LOG_BATCH_ROWS, []),
            commit: maker.histogram(names::LOG_COMMIT, []),
            queue: maker.histogram(names::LOG_QUEUE, []),
        };
        let connected = |outcome: &'static str| {
            Transport::ALL.map(|transport| {
                let labels = [("transport", transport.word()), ("outcome", outcome)];
                maker.counter(names::CONNECTIONS, labels)
            })
        };
        let inside = Inside {
            sent: Sent::new(maker, names_max),
            by_name: names_max.map(ByName::new),
            latency: MessageKind::ALL
                .map(|kind| maker.histogram(names::MESSAGE_LATENCY, [("kind", kind.word())])),
            operations: Operation::ALL.map(|operation| {
                Ended::ALL.map(|ended| {
                    let labels = [("operation", operation.word()), ("outcome", ended.word())];
                    maker.histogram(names::OPERATIONS, labels)
                })
            }),
            room_members: maker.histogram(names::ROOM_MEMBERS, []),
            accepted: connected("accepted"),
            refused: connected("refused"),
            outbox: maker.histogram(names::OUTBOX, []),
            slow_consumers: maker.counter(names::SLOW_CONSUMERS, []),
            mailbox_depth: maker.histogram(names::MAILBOX_DEPTH, []),
            redeliveries: maker.counter(names::REDELIVERIES, []),
            log,
            prometheus: recorder.handle(),
            process,
            recorder,
        };
        let metrics = Self(Arc::new(inside));
        let version = [
            ("version", env!("CARGO_PKG_VERSION")),
            (
                "revision",
                option_env!("AGENT_BRIDGE_REVISION").unwrap_or("unknown"),
            ),
        ];
        metrics.maker().gauge(names::BUILD_INFO, version).set(1.0);
        metrics.begin_at_zero();
        metrics
    }

    /// A series that begins with its first event hides that event from whoever asks for growth.
    fn begin_at_zero(&self) {
        for shown in Shown::ALL {
            self.auth_failures(shown).increment(0);
        }
        for ending in Ending::ALL.into_iter().filter(|ending| ending.counts()) {
            self.dead_letters(ending.as_str()).increment(0);
        }
    }

    fn auth_failures(&self, shown: Shown) -> Counter {
        let label = [("reason", shown.word())];
        self.maker().counter(names::AUTH_FAILURES, label)
    }

    fn dead_letters(&self, reason: &'static str) -> Counter {
        let label = [("reason", reason)];
        self.maker().counter(names::DEAD_LETTERS, label)
    }

    fn maker(&self) -> Maker<'_> {
        Maker(&self.0.recorder)
    }

    /// For the log writer.
    #[must_use]
    pub fn log(&self) -> LogMetrics {
        self.0.log.clone()
    }

    /// A request begins.
    #[must_use]
    pub fn measure(&self, operation: Operation) -> Measuring {
        Measuring::begin(self.clone(), operation)
    }

    fn ended(&self, operation: Operation, ended: Ended, took: Duration) {
        self.0.operations[operation as usize][ended as usize].record(took.as_secs_f64());
    }

    fn message(&self, kind: MessageKind, outcome: MessageOutcome, subject: Option<&Subject>) {
        self.0.sent.count(self.maker(), kind, outcome, subject);
    }

    /// Whether clients and rooms are shown by name.
    #[must_use]
    pub fn shows_names(&self) -> bool {
        self.0.by_name.is_some()
    }

    /// A room wakes.
    #[must_use]
    pub fn room_awake(&self) -> AwakeRoom {
        let by_name = self.0.by_name.as_ref();
        by_name.map(ByName::room).unwrap_or_default()
    }

    /// A request was refused.
    pub fn refused(&self, reject: &Reject) {
        self.refused_as(codes::reject(reject.code()).word);
    }

    /// The same, by a word of the protocol.
    pub fn refused_as(&self, word: &'static str) {
        let errors = self.maker().counter(names::ERRORS, [("type", word)]);
        errors.increment(1);
    }

    /// A request had no good token.
    pub fn not_let_in(&self, shown: Shown) {
        self.auth_failures(shown).increment(1);
    }

    /// A client connected.
    pub fn connected(&self, transport: Transport, is_accepted: bool) {
        let counters = match is_accepted {
            true => &self.0.accepted,
            false => &self.0.refused,
        };
        counters[transport as usize].increment(1);
    }

    /// A message was handed to a receiver's socket, so long after it was accepted.
    pub fn handed_over(&self, kind: MessageKind, after: Duration) {
        self.0.latency[kind as usize].record(after.as_secs_f64());
    }

    /// A socket took something of so many bytes that waited for it.
    pub fn outbox(&self, bytes: usize) {
        self.0.outbox.record(count(bytes));
    }

    /// A client was cut off because it did not read.
    pub fn slow_consumer(&self) {
        self.0.slow_consumers.increment(1);
    }

    /// A room has so many members now.
    pub fn room_members(&self, members: usize) {
        self.0.room_members.record(count(members));
    }

    /// A message came into a mailbox, in which so many wait now.
    pub fn mailbox_depth(&self, messages: usize) {
        self.0.mailbox_depth.record(count(messages));
    }

    /// A message was handed over once more.
    pub fn redelivered(&self) {
        self.0.redeliveries.increment(1);
    }

    /// A message has failed too often, this time so.
    pub fn dead_letter(&self, last: Option<Ending>) {
        let reason = last.map_or("unknown", Ending::as_str);
        self.dead_letters(reason).increment(1);
    }

    /// What counts the spans that went nowhere.
    pub fn spans_dropped(&self) -> Counter {
        self.maker().counter(names::SPANS_DROPPED, [])
    }

    /// Works off what histograms have gathered since; it grows until then.
    pub fn upkeep(&self) {
        self.0.prometheus.run_upkeep();
    }

    /// Everything, in the text form of Prometheus.
    #[must_use]
    pub fn render(&self, observed: &Observed) -> String {
        let maker = self.maker();
        maker
            .gauge(names::ROOMS_ACTIVE, [])
            .set(count(observed.rooms_awake));
        maker
            .gauge(names::ROOMS_QUARANTINED, [])
            .set(count(observed.rooms_quarantined));
        for (actor, restarts) in &observed.restarts {
            let counter = maker.counter(names::ACTOR_RESTARTS, [("actor", *actor)]);
            counter.absolute(*restarts);
        }
        metrics::with_local_recorder(&self.0.recorder, || self.0.process.collect());
        match &self.0.by_name {
            Some(by_name) => self.0.prometheus.render() + &by_name.render(&observed.clients),
            None => {
                for (transport, connected) in Transport::ALL.into_iter().zip(observed.connected) {
                    let label = [("transport", transport.word())];
                    let active = maker.gauge(names::CONNECTIONS_ACTIVE, label);
                    active.set(count(connected));
                }
                self.0.prometheus.render()
            }
        }
    }
}

impl LogMetrics {
    /// For a log writer that nobody watches.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            rows: Histogram::noop(),
            commit: Histogram::noop(),
            queue: Histogram::noop(),
        }
    }

    /// A transaction of so many records took so long, after its first record had waited so long.
    pub fn committed(&self, rows: usize, took: Duration, waited: Duration) {
        self.rows.record(count(rows));
        self.commit.record(took.as_secs_f64());
        self.queue.record(waited.as_secs_f64());
    }
}

impl fmt::Debug for LogMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogMetrics")
    }
}

fn recorder() -> PrometheusRecorder {
    let mut builder = PrometheusBuilder::new();
    for (named, bounds) in names::HISTOGRAMS {
        let matcher = Matcher::Full(named.name.to_owned());
        builder = builder
            .set_buckets_for_metric(matcher, bounds)
            .expect("no histogram of ours is without the bounds of its buckets");
    }
    builder.build_recorder()
}

/// A number of things, as far as a float tells them apart.
#[expect(clippy::cast_precision_loss, reason = "nobody counts 2^53 of anything")]
fn count(things: usize) -> f64 {
    things as f64
}

#[cfg(test)]
mod tests;
