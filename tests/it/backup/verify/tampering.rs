//! What a check must find: one change each, behind the server's back.

/// Everything that a change may touch.
pub(super) const TABLES: [&str; 17] = [
    "log",
    "streams",
    "rooms",
    "members",
    "grants",
    "messages",
    "replies",
    "clients",
    "deliveries",
    "message_records",
    "decisions",
    "decision_records",
    "critiques",
    "critique_records",
    "counters",
    "follow_ups",
    "snapshots",
];

/// What is changed behind the server's back, and what is said of it.
pub(super) const TAMPERING: &[(&str, &str)] = &[
    (
        "UPDATE streams SET name_folded = 'x' WHERE name = 'dan'",
        "is not found under its name",
    ),
    (
        "UPDATE log SET dedupe = 'eve:key-1-' WHERE dedupe = 'ann:key-1-'",
        "by which a repeat is found",
    ),
    (
        "UPDATE counters SET value = value + 60000 WHERE name = 'latest_at_ms'",
        "latest_at_ms",
    ),
    (
        "UPDATE counters SET value = value - 60000 WHERE name = 'latest_at_ms'",
        "latest_at_ms",
    ),
    (
        "DELETE FROM log WHERE seq = 2 AND kind = 'member_joined'",
        "should come, and seq 3",
    ),
    (
        "UPDATE log SET at_ms = at_ms + 1 WHERE kind = 'room_closed'",
        "is not what was written",
    ),
    (
        "UPDATE log SET author = 'eve' WHERE kind = 'room_closed'",
        "is not what was written",
    ),
    (
        "UPDATE log SET kind = 'member_left' WHERE kind = 'room_closed'",
        "is not what was written",
    ),
    (
        "UPDATE log SET checksum = checksum - 1 WHERE kind = 'room_closed'",
        "is not what was written",
    ),
    (
        "UPDATE log SET dedupe = 'ann:other' WHERE dedupe = 'ann:key-1-'",
        "is not what was written",
    ),
    (
        "UPDATE log SET fingerprint = NULL WHERE dedupe = 'ann:key-1-'",
        "without a fingerprint",
    ),
    (
        "DELETE FROM log WHERE kind = 'room_closed'",
        "another closed_at_ms",
    ),
    (
        "UPDATE streams SET name = 'DEN' WHERE name = 'Den'",
        "is not what was written",
    ),
    (
        "DELETE FROM streams WHERE name = 'Den'",
        "not in the table of streams",
    ),
    (
        "INSERT INTO streams (kind, name, name_folded) VALUES ('room', 'x', 'x')",
        "it has no record",
    ),
    (
        "INSERT INTO streams (kind, name, name_folded) VALUES ('rum', 'x', 'x')",
        "it has no record",
    ),
    (
        "UPDATE rooms SET topic = 'x' WHERE name = 'Den'",
        "another topic",
    ),
    (
        "UPDATE rooms SET members = 9 WHERE name = 'Den'",
        "another members",
    ),
    (
        "UPDATE rooms SET closed_at_ms = NULL",
        "another closed_at_ms",
    ),
    ("DELETE FROM rooms WHERE name = 'Den'", "table rooms"),
    (
        "UPDATE members SET role = 'tester' WHERE client = 'ann'",
        "another role",
    ),
    (
        "UPDATE members SET weight_milli = 7 WHERE client = 'ann'",
        "another weight_milli",
    ),
    (
        "DELETE FROM members WHERE client_folded = 'bob'",
        "table members",
    ),
    (
        "DELETE FROM grants WHERE client_folded = 'bob'",
        "table grants",
    ),
    (
        "INSERT INTO grants SELECT stream_id, 'eve', role FROM grants WHERE client_folded = 'dan'",
        "a replay of the log does not give it",
    ),
    (
        "UPDATE grants SET role = 'tester' WHERE client_folded = 'dan'",
        "another role",
    ),
    ("DELETE FROM messages WHERE seq = 8", "table messages"),
    (
        "UPDATE messages SET channel_folded = 'main'",
        "another channel_folded",
    ),
    (
        "UPDATE clients SET name = 'ANN' WHERE name_folded = 'ann'",
        "another name",
    ),
    (
        "DELETE FROM clients WHERE name_folded = 'ann'",
        "table clients",
    ),
    (
        "UPDATE deliveries SET stage = 'done' WHERE stage = 'seen'",
        "another stage",
    ),
    (
        "UPDATE deliveries SET attempts = attempts + 1",
        "another attempts",
    ),
    (
        "UPDATE deliveries SET due_at_ms = 1 WHERE stage = 'done'",
        "another due_at_ms",
    ),
    (
        "UPDATE deliveries SET answer_by_ms = 1 WHERE answer_by_ms IS NULL",
        "another answer_by_ms",
    ),
    (
        "UPDATE deliveries SET answer_by_ms = NULL WHERE answer_by_ms IS NOT NULL",
        "another answer_by_ms",
    ),
    (
        "DELETE FROM replies WHERE seq = (SELECT max(seq) FROM replies)",
        "table replies",
    ),
    (
        "UPDATE replies SET answer = (SELECT r.id FROM replies r ORDER BY r.seq LIMIT 1) \
         WHERE seq = (SELECT max(seq) FROM replies)",
        "another answer",
    ),
    ("UPDATE deliveries SET failures = NULL", "another failures"),
    ("UPDATE deliveries SET sender = 'eve'", "another sender"),
    (
        "DELETE FROM deliveries WHERE stage = 'done'",
        "table deliveries",
    ),
    (
        "DELETE FROM message_records WHERE seq = 3",
        "table message_records",
    ),
    (
        "UPDATE members SET weight_milli = 1 WHERE client = 'Rev'",
        "another weight_milli",
    ),
    (
        "UPDATE rooms SET visibility = 'open' WHERE name = 'Court'",
        "another visibility",
    ),
    (
        "UPDATE decisions SET state = 'approved' WHERE state = 'open'",
        "another state",
    ),
    (
        "UPDATE decisions SET state = 'open' WHERE state = 'superseded'",
        "another state",
    ),
    (
        "UPDATE decisions SET due_at_ms = NULL WHERE state = 'open'",
        "another due_at_ms",
    ),
    (
        "UPDATE decisions SET deadline_ms = deadline_ms - 1 WHERE state = 'vetoed'",
        "another deadline_ms",
    ),
    (
        "DELETE FROM decisions WHERE state = 'withdrawn'",
        "table decisions",
    ),
    (
        "DELETE FROM decision_records WHERE seq = 20",
        "table decision_records",
    ),
    (
        "UPDATE critiques SET is_open = false WHERE decision IS NULL",
        "another is_open",
    ),
    (
        "UPDATE critiques SET is_open = true WHERE NOT is_open",
        "another is_open",
    ),
    (
        "UPDATE critiques SET decision = NULL WHERE is_open AND decision IS NOT NULL",
        "another decision",
    ),
    (
        "DELETE FROM critiques WHERE decision IS NULL",
        "table critiques",
    ),
    (
        "DELETE FROM critique_records WHERE seq > 20",
        "table critique_records",
    ),
    (
        "UPDATE counters SET value = value + 1 WHERE name = 'posts'",
        "table counters",
    ),
    ("INSERT INTO follow_ups VALUES (1, 1)", "it has no effects"),
    (
        "INSERT INTO follow_ups VALUES (1, 999)",
        "seq 999, which is not there",
    ),
    (
        "INSERT INTO snapshots (stream_id, seq, format, body) VALUES (77, 999, 1, 'x')",
        "its snapshot is of seq 999",
    ),
    (
        "UPDATE snapshots SET body = (SELECT body FROM snapshots AS other \
         WHERE other.stream_id <> snapshots.stream_id ORDER BY stream_id LIMIT 1)",
        "the snapshot of it does not say what the log says",
    ),
];

/// One word of the snapshots, which stay what they are otherwise.
pub(super) const TAMPERED_SNAPSHOTS: [(&str, &str); 2] = [
    ("\"posts\":", "\"posts\":1"),
    ("\"is_known\":true", "\"is_known\":false"),
];
