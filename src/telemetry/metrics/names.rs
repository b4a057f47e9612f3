//! Every metric: its name, what it says, its labels and the bounds of its buckets. No other file names
//! one.
//!
//! Labels are bounded. What users name is none of them, unless an operator says so and how many values
//! there may be: a thousand clients in `{from, to}` would be a million series.

/// A metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    /// Its name.
    pub(super) name: &'static str,
    /// What it says, for `# HELP`.
    pub(super) says: &'static str,
}

const fn named(name: &'static str, says: &'static str) -> Named {
    Named { name, says }
}

pub(super) const MESSAGES: Named = named(
    "bridge_messages_total",
    "Messages that were sent, by kind (direct, broadcast, room) and what came of them (stored, \
     duplicate, refused).",
);
pub(super) const ERRORS: Named = named(
    "bridge_messages_errors_total",
    "Requests that were refused, by the word of the refusal.",
);
pub(super) const CONNECTIONS_ACTIVE: Named = named(
    "bridge_connections_active",
    "Clients that are connected, by transport (ws, sse).",
);
pub(super) const CONNECTIONS: Named = named(
    "bridge_connections_total",
    "Clients that connected, by transport and outcome (accepted, refused).",
);
pub(super) const ROOMS_ACTIVE: Named = named(
    "bridge_rooms_active",
    "Rooms that are awake: somebody is in them or used them lately.",
);
pub(super) const ROOM_MEMBERS: Named = named(
    "bridge_room_members",
    "Members of a room, observed each time that somebody joins or leaves one.",
);
pub(super) const ROOM_MEMBERS_BY_ROOM: Named = named(
    "bridge_room_members_by_room",
    "Members of each room that is awake and open, when rooms are shown by name.",
);
pub(super) const ROOM_MESSAGES: Named = named(
    "bridge_room_messages_total",
    "Messages that were posted in rooms and stored.",
);
pub(super) const MESSAGE_LATENCY: Named = named(
    "bridge_message_latency_seconds",
    "From the moment that a message was accepted until it was handed to a receiver's socket, by kind; \
     of each write to a socket the message that waited longest.",
);
pub(super) const OPERATIONS: Named = named(
    "bridge_operation_duration_seconds",
    "How long requests took, by operation and outcome (ok, refused, failed).",
);
pub(super) const BUILD_INFO: Named = named(
    "bridge_build_info",
    "Always 1; its labels say which version of the program runs.",
);
pub(super) const LOG_BATCH_ROWS: Named = named(
    "bridge_log_batch_rows",
    "Records that were written to the log in one transaction.",
);
pub(super) const LOG_COMMIT: Named = named(
    "bridge_log_commit_seconds",
    "How long a transaction of the log took, with its way to the disk.",
);
pub(super) const LOG_QUEUE: Named = named(
    "bridge_log_queue_seconds",
    "How long the first record of a transaction waited for it.",
);
pub(super) const OUTBOX: Named = named(
    "bridge_outbox_bytes",
    "What waited for a client's socket each time that it took something.",
);
pub(super) const SLOW_CONSUMERS: Named = named(
    "bridge_slow_consumer_disconnects_total",
    "Clients that were cut off because they did not read.",
);
pub(super) const ACTOR_RESTARTS: Named = named(
    "bridge_actor_restarts_total",
    "Parts of the server that failed and began anew, by part.",
);
pub(super) const ROOMS_QUARANTINED: Named = named(
    "bridge_rooms_quarantined",
    "Rooms that are held back because they failed too often.",
);
pub(super) const MAILBOX_DEPTH: Named = named(
    "bridge_mailbox_depth",
    "Messages that wait in a mailbox, observed each time that one comes.",
);
pub(super) const REDELIVERIES: Named = named(
    "bridge_redeliveries_total",
    "Messages that were handed over once more.",
);
pub(super) const DEAD_LETTERS: Named = named(
    "bridge_dead_letters_total",
    "Messages that failed too often, by how their last attempt ended.",
);
pub(super) const AUTH_FAILURES: Named = named(
    "bridge_auth_failures_total",
    "Requests without a good token, by what they had (no_token, bad_token, bad_ticket).",
);

pub(super) const SPANS_DROPPED: Named = named(
    "bridge_spans_dropped_total",
    "Spans that no collector took, because it was slow or away.",
);

/// Seconds, from a tenth of a millisecond to a minute.
pub(super) const SECONDS: [f64; 17] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 15.0, 60.0,
];
/// Things in rooms, mailboxes and transactions.
pub(super) const COUNTS: [f64; 12] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 2_048.0, 8_192.0,
];
/// Bytes, from one small frame to a full outbox.
pub(super) const BYTES: [f64; 8] = [
    512.0,
    4_096.0,
    16_384.0,
    65_536.0,
    131_072.0,
    262_144.0,
    524_288.0,
    1_048_576.0,
];

/// All that only grow.
pub(super) const COUNTERS: [Named; 10] = [
    MESSAGES,
    ERRORS,
    CONNECTIONS,
    ROOM_MESSAGES,
    SLOW_CONSUMERS,
    ACTOR_RESTARTS,
    REDELIVERIES,
    DEAD_LETTERS,
    AUTH_FAILURES,
    SPANS_DROPPED,
];
/// All that go up and down.
pub(super) const GAUGES: [Named; 5] = [
    CONNECTIONS_ACTIVE,
    ROOM_MEMBERS_BY_ROOM,
    ROOMS_ACTIVE,
    ROOMS_QUARANTINED,
    BUILD_INFO,
];
/// All that spread over buckets, and the upper bounds of those.
pub(super) const HISTOGRAMS: [(Named, &[f64]); 8] = [
    (ROOM_MEMBERS, &COUNTS),
    (MESSAGE_LATENCY, &SECONDS),
    (OPERATIONS, &SECONDS),
    (LOG_BATCH_ROWS, &COUNTS),
    (LOG_COMMIT, &SECONDS),
    (LOG_QUEUE, &SECONDS),
    (OUTBOX, &BYTES),
    (MAILBOX_DEPTH, &COUNTS),
];
