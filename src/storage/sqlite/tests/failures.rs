//! How SQLite fails, in its own words, and that writing goes on when it may.

use std::io::{Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bridge_core::ports::{Directory, LogFailure, Snapshot, StoreError};
use diesel::connection::InstrumentationEvent;

use crate::storage::error::{at_commit, at_rollback, before_commit, reading};

use super::*;

/// What a statement fails with.
fn error(conn: &mut SqliteConnection, statement: &str) -> diesel::result::Error {
    conn.batch_execute(statement).unwrap_err()
}

/// The database may not grow any more, which to SQLite is a full disk.
fn fill(log: &mut SqliteLog) {
    let pages = pragma(&mut log.conn, "page_count").unwrap();
    set_pages_max(log, &pages);
}

fn set_pages_max(log: &mut SqliteLog, pages: &str) {
    let limit = format!("PRAGMA max_page_count = {pages}");
    log.conn.batch_execute(&limit).unwrap();
}

#[test]
fn a_full_disk_refuses_reads_go_on_and_writing_resumes_by_itself() {
    let place = Place::new();
    let Opened { mut log, store, .. } = place.open();
    append_posts(&mut log, 1..=3);
    fill(&mut log);
    let next = post("den", 4, 10_000);
    let full = |failure| matches!(failure, Err(LogFailure::Full(_)));
    for _ in 0..2 {
        assert!(full(log.append(&[&next]).map(drop)), "a batch");
        let snapshot = Snapshot {
            seq: Seq::new(3),
            format: 1,
            body: vec![0; 100_000].into(),
        };
        assert!(full(log.save_snapshot(&room("den"), &snapshot)));
        assert_eq!((head(&store), store.posts_total()), (3, Ok(3)));
        assert_eq!(log.upkeep(true), Ok(()));
    }
    set_pages_max(&mut log, "1000000");
    assert_eq!(log.append(&[&next]), Ok(vec![Answer::Stored]));
    assert_eq!(head(&store), 4);
}

/// The meaning of a failure is read from SQLite's text, so here SQLite itself says each of them.
#[test]
fn its_words_are_understood() {
    let place = Place::new();
    let Opened { log, .. } = place.open();
    let mut log = log;
    fill(&mut log);
    let conn = &mut log.conn;
    let full = error(conn, "CREATE TABLE t AS SELECT zeroblob(100000)");
    assert!(matches!(before_commit(&full), LogFailure::Full(_)));
    assert!(matches!(at_commit(&full), LogFailure::Full(_)));

    let nothing = error(conn, "ROLLBACK");
    assert_eq!(at_rollback(&nothing), Ok(()), "{nothing}");
    conn.batch_execute("BEGIN IMMEDIATE").unwrap();
    let open = error(conn, "BEGIN IMMEDIATE");
    assert!(matches!(before_commit(&open), LogFailure::Stuck(_)));
    assert!(matches!(at_rollback(&open), Err(LogFailure::Stuck(_))));

    let busy = error(&mut place.stranger(), "BEGIN IMMEDIATE");
    assert!(matches!(before_commit(&busy), LogFailure::Aborted(_)));
    assert!(matches!(at_commit(&busy), LogFailure::Aborted(_)));
    conn.batch_execute("ROLLBACK").unwrap();

    // A page of zeros in place of the log's first, and no copy of it in the write-ahead log.
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let root = "SELECT 4096 * (rootpage - 1) FROM sqlite_schema WHERE name = 'log'";
    let at: i64 = diesel::dsl::sql::<diesel::sql_types::BigInt>(root)
        .get_result(conn)
        .unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(place.file());
    let mut file = file.unwrap();
    file.seek(SeekFrom::Start(at.unsigned_abs())).unwrap();
    file.write_all(&[0; 4_096]).unwrap();
    let corrupt = error(&mut place.stranger(), "SELECT body FROM log WHERE seq = 1");
    assert!(matches!(before_commit(&corrupt), LogFailure::Broken(_)));
    assert!(matches!(reading(&corrupt), StoreError::Corrupt(_)));

    // Shorter than its first page says.
    file.set_len(4_096).unwrap();
    let text = error(&mut place.stranger(), "SELECT body FROM log WHERE seq = 1");
    assert!(
        matches!(before_commit(&text), LogFailure::Broken(_)),
        "{text}"
    );
}

/// A part of a file that should be there and is not: what reads it goes on when it is back, and what
/// writes does not.
#[test]
fn an_input_error_ends_the_writing_and_not_the_reading() {
    let place = Place::new();
    let Opened { mut log, store, .. } = place.open();
    append_posts(&mut log, 1..=1);
    let file = wal_path(&place.file());
    let bytes = std::fs::read(&file).unwrap();
    let wal = std::fs::OpenOptions::new().write(true).open(&file);
    wal.unwrap().set_len(0).unwrap();
    let failed = error(&mut place.stranger(), "SELECT body FROM log");
    assert!(failed.to_string().contains("I/O"), "{failed}");
    assert!(matches!(before_commit(&failed), LogFailure::Broken(_)));
    assert!(matches!(at_commit(&failed), LogFailure::Broken(_)));
    let read = || {
        store
            .page(&room("den"), Seq::ZERO, 9)
            .map(|page| page.len())
    };
    // It says so itself: nobody has waited for a connection that would be better.
    assert!(matches!(read(), Err(StoreError::Unavailable(why)) if why.contains("I/O")));
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(read(), Ok(1));
}

/// A panic in the middle of a batch: the connection is dropped, and with it what was not committed;
/// the next one writes on, and so do those who read.
#[test]
fn a_panic_in_a_transaction_leaves_what_was_committed_and_nothing_else() {
    for (moment, is_committed) in [("INSERT INTO `log`", false), ("COMMIT", false), ("", true)] {
        let place = Place::new();
        let Opened {
            mut log,
            store,
            reopen,
        } = place.open();
        append_posts(&mut log, 1..=2);
        log.conn
            .set_instrumentation(move |event: InstrumentationEvent<'_>| {
                let panics = match event {
                    InstrumentationEvent::StartQuery { query, .. } => {
                        !moment.is_empty() && query.to_string().starts_with(moment)
                    }
                    InstrumentationEvent::FinishQuery { query, .. } => {
                        moment.is_empty() && query.to_string() == "COMMIT"
                    }
                    _ => false,
                };
                assert!(!panics, "injected");
            });
        let batch = [post("den", 3, 10), post("den", 4, 10)];
        let append = || log.append(&[&batch[0], &batch[1]]);
        catch_unwind(AssertUnwindSafe(append)).expect_err("it panics");
        drop(log);
        let expected = if is_committed { 4 } else { 2 };
        assert_eq!(head(&store), expected, "{moment:?}");
        let mut log = reopen.log().expect("nothing is in the way");
        append_posts(&mut log, expected + 1..=expected + 1);
        assert_eq!(head(&store), expected + 1);
    }
}

#[test]
fn only_the_same_database_is_opened_again() {
    let place = Place::new();
    let Opened { log, store, reopen } = place.open();
    drop(log);
    let file = place.file();
    let away = place.folder.path().join("away");
    std::fs::rename(&file, &away).unwrap();
    let said = reopen.log().unwrap_err().to_string();
    assert!(said.contains("it is gone"), "{said}");
    assert!(!file.exists(), "nothing is made in its place");
    let other = super::super::open(&file, Epoch::from_uuid(Uuid::from_u128(2))).unwrap();
    let said = reopen.log().unwrap_err().to_string();
    assert!(said.contains("another database"), "{said}");
    drop((other, store));
}

/// An open transaction of another program, or of a predecessor that could not be dropped.
#[test]
fn a_log_that_cannot_be_written_to_is_not_opened_again() {
    let place = Place::new();
    let Opened {
        log, mut reopen, ..
    } = place.open();
    drop(log);
    reopen.waits = Duration::ZERO;
    let mut stranger = place.stranger();
    stranger.batch_execute("BEGIN IMMEDIATE").unwrap();
    let said = reopen.log().unwrap_err().to_string();
    assert!(said.contains("locked"), "{said}");
    stranger.batch_execute("ROLLBACK").unwrap();
    reopen.log().unwrap();
}
