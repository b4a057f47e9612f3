//! `agent-bridge restore`: from a backup, and in place.

use std::path::{Path, PathBuf};

use agent_bridge::backups::SEAL_BYTES;
use agent_bridge::storage::backup::{self, BackupError};
use agent_bridge::storage::verify::Depth;
use agent_bridge::storage::{Stopped, sqlite};
use bridge_core::Epoch;
use bridge_core::ports::Reader;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Kept, arg, done, flips, history, names, refused, seed};
use crate::support::TestServer;
use crate::support::binary::folder;
use crate::support::postgres::Database;

/// A backup, and the folder that it is in.
async fn a_backup() -> (TempDir, PathBuf) {
    let server = TestServer::with(history::SETTINGS);
    history::make(&server).await;
    let root = server.rest_with("root", "admin");
    let answer = root.request(Method::POST, "/v1/admin/backup").send();
    let bytes = answer.await.expect("an answer").bytes().await;
    let folder = folder();
    let file = folder.path().join("one.backup");
    std::fs::write(&file, bytes.expect("a whole body")).expect("a writable folder");
    (folder, file)
}

fn epoch(number: u128) -> Epoch {
    Epoch::from_uuid(Uuid::from_u128(number))
}

/// Restored by the same code as the command's, without its start.
fn restore(file: &Path, into: &Path) -> Result<backup::Restored, backup::BackupError> {
    let database = into.join(sqlite::FILE_NAME);
    backup::restore(
        file,
        &database,
        epoch(7),
        &mut |_, _| Ok(()),
        &mut |_, _| Ok(()),
    )
}

#[tokio::test]
async fn whatever_is_changed_in_a_backup_is_found_and_nothing_is_left() {
    let (_own, file) = a_backup().await;
    let good = std::fs::read(&file).expect("the backup");
    let into = folder();
    let database = into.path().join(sqlite::FILE_NAME);
    let is_refused = |bytes: &[u8], what: &str| {
        std::fs::write(&file, bytes).expect("a writable folder");
        let why = restore(&file, into.path()).expect_err(what).to_string();
        assert!(why.contains("one.backup: "), "{what}: {why}");
        assert!(!database.exists(), "{what}");
        assert_eq!(names(into.path()), ["bridge.sqlite3.lock"], "{what}");
    };
    let mut random = StdRng::seed_from_u64(seed());
    for _ in 0..flips() {
        let bit = random.random_range(0..good.len() * 8);
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        is_refused(&bytes, &format!("bit {bit}"));
    }
    let database_only = good.len() - SEAL_BYTES;
    for length in [0, 1, SEAL_BYTES, 4_096, database_only, good.len() - 1] {
        is_refused(&good[..length], &format!("{length} bytes"));
    }
    is_refused(&[&good[..], b"\n"].concat(), "a byte more");
    std::fs::write(&file, &good).expect("a writable folder");
    let restored = restore(&file, into.path()).expect("a good backup");
    assert_eq!(restored.report.findings.total(), 0);
    let opened = sqlite::open(&database, epoch(8)).expect("a database");
    assert_eq!(opened.store.epoch(), epoch(7));
}

/// A seal is good for whatever was sealed. What was not written like that is found behind it.
#[tokio::test]
async fn a_record_that_was_damaged_before_the_backup_is_found() {
    let (_own, file) = a_backup().await;
    let mut bytes = std::fs::read(&file).expect("the backup");
    let length = bytes.len() - SEAL_BYTES;
    bytes.truncate(length);
    let text = "設計".as_bytes();
    let places: Vec<usize> = (0..length - text.len())
        .filter(|at| bytes[*at..].starts_with(text))
        .collect();
    for at in &places {
        bytes[at + 2] ^= 1;
    }
    assert!(!places.is_empty());
    let mut sealing = agent_bridge::backups::Sealing::default();
    sealing.add(&bytes);
    bytes.extend(sealing.end().to_text().into_bytes());
    std::fs::write(&file, bytes).expect("a writable folder");
    let into = folder();
    let kept = Kept::Sqlite(into.path().to_owned());
    let said = kept.run(&["restore", "--from", arg(&file)]);
    refused(
        &said,
        &["room:Den seq 1", "the record is not what was written"],
    );
    assert!(!into.path().join(sqlite::FILE_NAME).exists());
    let said = kept.run(&["verify", "--from", arg(&file)]);
    refused(
        &said,
        &["room:Den seq 1", "the record is not what was written"],
    );
}

#[tokio::test]
async fn a_backup_is_verified_whole_and_nothing_is_left_beside_it() {
    let (own, file) = a_backup().await;
    let nowhere = Kept::Sqlite(own.path().join("nowhere"));
    let said = nowhere.run(&["verify", "--from", arg(&file)]);
    done(&said);
    assert!(said.out.contains("nothing is wrong"), "{}", said.out);
    assert_eq!(names(own.path()), ["one.backup"]);
}

#[tokio::test]
async fn nothing_is_restored_over_something() {
    let (own, file) = a_backup().await;
    let args = ["restore", "--from", arg(&file)];
    let server = TestServer::start();
    let kept = Kept::Sqlite(server.folder().to_owned());
    refused(&kept.run(&args), &["another agent-bridge server is using"]);
    refused(
        &kept.run(&["restore", "--new-epoch"]),
        &["another agent-bridge server is using"],
    );
    let (folder, _) = server.end();
    let before = std::fs::read(folder.path().join(sqlite::FILE_NAME)).expect("a database");
    refused(
        &kept.run(&args),
        &["there is a database in the way", "bridge.sqlite3"],
    );
    let after = std::fs::read(folder.path().join(sqlite::FILE_NAME)).expect("a database");
    assert!(before == after);
    // A write-ahead log that waits for its database is one, too.
    let other = crate::support::binary::folder();
    std::fs::write(other.path().join("bridge.sqlite3-wal"), "x").expect("a file");
    let kept = Kept::Sqlite(other.path().to_owned());
    refused(&kept.run(&args), &["in the way", "bridge.sqlite3-wal"]);
    let postgres = Kept::Postgres(Database::new());
    refused(&postgres.run(&args), &["PostgreSQL", "restore --new-epoch"]);
    let none = kept.run(&["restore"]);
    assert_eq!(none.code, Some(2), "{}", none.err);
    assert_eq!(names(own.path()), ["one.backup"]);
}

#[tokio::test]
async fn a_new_epoch_is_begun_in_place() {
    let own = folder();
    let databases = [
        Kept::Sqlite(own.path().to_owned()),
        Kept::Postgres(Database::new()),
    ];
    for (kept, own) in databases.into_iter().zip([own, folder()]) {
        let args = ["restore", "--new-epoch"];
        refused(&kept.run(&args), &["no agent-bridge database"]);
        let server = TestServer::on(own, kept.settings());
        let ann = server.rest("ann");
        ann.post("/v1/rooms", &json!({"room": "den"})).await.ok(201);
        let events = ann.events("den", 0).await;
        let before = ann.get("/v1/rooms/den").await.ok(200)["epoch"].clone();
        refused(&kept.run(&args), &["server is using"]);
        let (own, settings) = server.end();
        let said = kept.run(&args);
        done(&said);
        assert!(
            said.out.contains(before.as_str().expect("a text")),
            "{}",
            said.out
        );
        done(&kept.run(&["verify"]));
        let server = TestServer::on(own, settings);
        let ann = server.rest("ann");
        assert_eq!(ann.events("den", 0).await, events);
        let after = ann.get("/v1/rooms/den").await.ok(200)["epoch"].clone();
        assert_ne!(after, before);
        assert!(
            said.out.contains(after.as_str().expect("a text")),
            "{}",
            said.out
        );
    }
}

/// Stops after so many times that it is told how far the work is.
fn stops_after(mut times: usize) -> impl FnMut(u64, u64) -> Result<(), Stopped> {
    move |_, _| {
        times = times.checked_sub(1).ok_or(Stopped)?;
        Ok(())
    }
}

#[tokio::test]
async fn a_restore_that_is_stopped_leaves_nothing() {
    let (_own, file) = a_backup().await;
    let into = folder();
    let database = into.path().join(sqlite::FILE_NAME);
    let records = backup::check(&file, &Depth::Log, &mut |_, _| Ok(()))
        .expect("a good backup")
        .records;
    let all = usize::try_from(records).expect("a few");
    for (copied, checked) in [(0, 9_999), (9_999, 0), (9_999, 3), (9_999, all)] {
        let (mut copying, mut checking) = (stops_after(copied), stops_after(checked));
        let stopped = backup::restore(&file, &database, epoch(7), &mut copying, &mut checking);
        let why = stopped.expect_err("it was to end");
        assert!(matches!(why, BackupError::Stopped(_)), "{why}");
        assert_eq!(names(into.path()), ["bridge.sqlite3.lock"]);
    }
    restore(&file, into.path()).expect("a good backup");
}

/// What a restore was killed over: a copy, and a journal with which SQLite would take pages of it
/// into the next one.
#[tokio::test]
async fn what_a_killed_restore_has_left_is_not_taken_into_the_next() {
    let ((_own, file), (_another, another)) = (a_backup().await, a_backup().await);
    let (other, into) = (folder(), folder());
    let source = other.path().join("source.sqlite3");
    restore(&another, other.path()).expect("a good backup");
    std::fs::rename(other.path().join(sqlite::FILE_NAME), &source).expect("it is there");
    let journal = other.path().join("source.sqlite3-journal");
    let mut conn = SqliteConnection::establish(arg(&source)).expect("a database");
    conn.batch_execute(
        "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1;\
         BEGIN; UPDATE log SET author = 'nobody'; UPDATE streams SET name = 'x' || id;",
    )
    .expect("a transaction");
    let left = into.path().join("bridge.sqlite3.restoring-journal");
    std::fs::copy(&journal, &left).expect("it is written meanwhile");
    drop(conn);
    std::fs::write(into.path().join("bridge.sqlite3.restoring"), "half").expect("a file");
    let restored = restore(&file, into.path()).expect("a good backup");
    assert_eq!(restored.report.findings.total(), 0);
    assert_eq!(
        names(into.path()),
        ["bridge.sqlite3", "bridge.sqlite3.lock"]
    );
}

/// The same backup with other bytes in front of its seal.
fn reseal(file: &Path, change: impl FnOnce(&mut SqliteConnection)) {
    let mut bytes = std::fs::read(file).expect("the backup");
    bytes.truncate(bytes.len() - SEAL_BYTES);
    std::fs::write(file, &bytes).expect("a writable folder");
    let mut conn = SqliteConnection::establish(arg(file)).expect("a database");
    conn.batch_execute("PRAGMA journal_mode = DELETE")
        .expect("a good statement");
    change(&mut conn);
    drop(conn);
    let mut bytes = std::fs::read(file).expect("the backup");
    let mut sealing = agent_bridge::backups::Sealing::default();
    sealing.add(&bytes);
    bytes.extend(sealing.end().to_text().into_bytes());
    std::fs::write(file, bytes).expect("a writable folder");
}

/// Snapshots can be made again, and the log cannot: only a check of everything finds fault with one.
#[tokio::test]
async fn a_wrong_snapshot_keeps_nobody_from_the_log() {
    let (_own, file) = a_backup().await;
    reseal(&file, |conn| {
        let changed = diesel::sql_query("UPDATE snapshots SET body = CAST('{}' AS BLOB)");
        assert!(changed.execute(conn).expect("rows") > 0);
    });
    let into = folder();
    let kept = Kept::Sqlite(into.path().to_owned());
    let words = ["the snapshot of it does not say what the log says"];
    refused(&kept.run(&["verify", "--from", arg(&file)]), &words);
    done(&kept.run(&["restore", "--from", arg(&file)]));
    refused(&kept.run(&["verify"]), &words);
}

/// After `pg_restore`: whatever version the dump is of.
#[test]
fn a_dump_of_an_earlier_version_is_brought_up_to_date() {
    let database = Database::new();
    let url = database.url().to_owned();
    let mut conn = PgConnection::establish(&url).expect("a database");
    let kept = Kept::Postgres(database);
    drop(TestServer::with(&kept.settings()));
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    // Back to the first, step by step.
    for name in names(&migrations).iter().skip(1).rev() {
        let down = std::fs::read_to_string(migrations.join(name).join("down.sql"));
        let down = down.expect("a migration");
        conn.batch_execute(&down).expect("it goes back");
        let version = name.split('_').next().expect("a part").replace('-', "");
        let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
        let forgotten = diesel::sql_query(forget).execute(&mut conn);
        assert_eq!(forgotten, Ok(1), "{name}");
    }
    refused(&kept.run(&["verify"]), &["older than this version's"]);
    done(&kept.run(&["restore", "--new-epoch"]));
    done(&kept.run(&["verify"]));
    conn.batch_execute(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')",
    )
    .expect("a row");
    refused(&kept.run(&["restore", "--new-epoch"]), &["start a newer"]);
}

/// A backup of an earlier version, in the schema of then.
#[tokio::test]
async fn an_old_backup_is_brought_up_to_date() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema-2026-11-22");
    let mut bytes = std::fs::read(old.join("bridge.sqlite3")).expect("the fixture");
    let mut sealing = agent_bridge::backups::Sealing::default();
    sealing.add(&bytes);
    bytes.extend(sealing.end().to_text().into_bytes());
    let own = folder();
    let file = own.path().join("old.backup");
    std::fs::write(&file, bytes).expect("a writable folder");
    let into = folder();
    let kept = Kept::Sqlite(into.path().to_owned());
    let said = kept.run(&["verify", "--from", arg(&file)]);
    refused(&said, &["which is older than this version's"]);
    done(&kept.run(&["restore", "--from", arg(&file)]));
    assert_eq!(
        names(into.path()),
        ["bridge.sqlite3", "bridge.sqlite3.lock", "server.lock"]
    );
    done(&kept.run(&["verify"]));
    let server = TestServer::on(into, String::new());
    server.rest("ann").get("/v1/rooms/den").await.ok(200);
}
