//! Looking keys up costs the same however many there are.

use std::sync::Arc;

use bridge_core::command::{Fingerprint, Key};
use bridge_core::ports::{Append, Log, Record};

use super::{open, post};
use crate::support::postgres::Database;

/// Many records without a key and few with one, when the database's statistics are made; and then
/// many keys.
const MANY: &str = "
    INSERT INTO streams (kind, name, name_folded)
    SELECT 'room', 'r' || n, 'r' || n FROM generate_series(1, 2000) n;
    INSERT INTO log (stream_id, seq, at_ms, author, kind, body, checksum)
    SELECT s.id, n, 1, 'ann', 'posted', repeat('x', 400)::bytea, 0
    FROM streams s, generate_series(1, 100) n WHERE s.name <> 'den';
    INSERT INTO log (stream_id, seq, at_ms, author, dedupe, fingerprint, kind, body, checksum)
    SELECT s.id, n, 1, 'ann', 'ann:old-' || n, '0123456789abcdef', 'posted', '{}', 0
    FROM streams s, generate_series(2, 501) n WHERE s.name = 'den';
    ANALYZE;
    INSERT INTO log (stream_id, seq, at_ms, author, dedupe, fingerprint, kind, body, checksum)
    SELECT s.id, n, 1, 'ann', 'ann:old-' || n, '0123456789abcdef', 'posted', '{}', 0
    FROM streams s, generate_series(502, 20001) n WHERE s.name = 'den'";

const READ: &str =
    "SELECT coalesce(sum(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE relname = 'log'";

fn keyed(seq: u64) -> Append {
    let mut append = post(seq);
    let mut envelope = (*append.records[0].envelope).clone();
    envelope.key = Some(Key {
        word: format!("new-{seq}").parse().expect("a key"),
        fingerprint: Fingerprint([1; 16]),
    });
    append.records = vec![Record::new(Arc::new(envelope))];
    append
}

/// A batch of new keys once read all the keys of its rooms, for each of them.
#[test]
fn new_keys_are_looked_for_and_not_all_that_there_are() {
    let database = Database::new();
    let mut opened = open(database.url());
    opened.log.append(&[&post(1)]).expect("a room");
    drop(opened);
    database.sql(MANY);
    let mut opened = open(database.url());
    // The first one reads the room's head.
    opened.log.append(&[&keyed(20_002)]).expect("it is stored");
    let before = read(&database, opened);
    let mut opened = open(database.url());
    let batch: Vec<Append> = (20_003..20_203).map(keyed).collect();
    let batch: Vec<&Append> = batch.iter().collect();
    opened.log.append(&batch).expect("they are stored");
    let rows = read(&database, opened) - before;
    assert!(
        rows < 2_000,
        "{rows} entries of the log's indexes were read"
    );
}

/// Entries of the log's indexes that were read so far. Whoever reads them says so when it has gone.
fn read(database: &Database, opened: agent_bridge::storage::postgres::Opened) -> u64 {
    drop(opened);
    database.sql(READ).trim().parse().expect("a number")
}
