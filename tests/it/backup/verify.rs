//! `agent-bridge verify`: whatever is wrong is found.

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tempfile::TempDir;

use super::{Kept, court, done, flips, history, names, refused, run, seed, sqlite};

use crate::support::TestServer;
use crate::support::binary::folder;
use crate::support::postgres::Database;

/// Everything that a change may touch.
const TABLES: [&str; 17] = [
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
const TAMPERING: &[(&str, &str)] = &[
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
const TAMPERED_SNAPSHOTS: [(&str, &str); 2] = [
    ("\"posts\":", "\"posts\":1"),
    ("\"is_known\":true", "\"is_known\":false"),
];

async fn history_in(kept: &Kept, folder: TempDir) -> TempDir {
    let settings = format!("{}{}", history::SETTINGS, kept.settings());
    let server = TestServer::on(folder, settings);
    history::make(&server).await;
    let folder = server.end().0;
    court::make(kept);
    folder
}

#[tokio::test]
async fn a_sound_database_is_sound_also_beside_its_server() {
    let own = folder();
    let databases = [
        Kept::Sqlite(own.path().to_owned()),
        Kept::Postgres(Database::new()),
    ];
    for (kept, folder) in databases.into_iter().zip([own, folder()]) {
        let settings = format!("{}{}", history::SETTINGS, kept.settings());
        let server = TestServer::on(folder, settings);
        history::make(&server).await;
        let beside = kept.run(&["verify"]);
        done(&beside);
        assert!(beside.out.contains("nothing is wrong"), "{}", beside.out);
        drop(server.end());
    }
}

/// What is only in the write-ahead log is looked at, too, and stays there for the next start.
#[tokio::test]
async fn what_a_killed_server_has_left_is_verified() {
    let own = folder();
    let server = crate::support::Binary::start(own.path(), 0);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    for number in 0..20 {
        ann.post("den", &format!("{number}")).await;
    }
    server.kill();
    let kept = Kept::Sqlite(own.path().to_owned());
    for _ in 0..2 {
        let said = kept.run(&["verify"]);
        done(&said);
        assert!(
            said.out.starts_with("23 records of 2 streams"),
            "{}",
            said.out
        );
    }
    let server = crate::support::Binary::start(own.path(), 0);
    assert_eq!(server.rest("ann").events("den", 0).await.len(), 22);
}

#[tokio::test]
async fn whatever_is_changed_behind_the_servers_back_is_found() {
    let own = folder();
    let kept = Kept::Sqlite(own.path().to_owned());
    let own = history_in(&kept, own).await;
    done(&kept.run(&["verify"]));
    for (change, said) in TAMPERING {
        let copy = folder();
        let file = "bridge.sqlite3";
        std::fs::copy(own.path().join(file), copy.path().join(file)).expect("a copy");
        let mut conn = sqlite(copy.path());
        let changed = diesel::sql_query(*change).execute(&mut conn).expect(change);
        assert!(changed > 0, "{change}");
        drop(conn);
        let kept = Kept::Sqlite(copy.path().to_owned());
        let found = kept.run(&["verify"]);
        println!("{change}: {}", found.out.lines().next().unwrap_or_default());
        refused(&found, &[said]);
    }
}

#[tokio::test]
async fn it_is_found_on_postgresql_too() {
    let database = Database::new();
    let url = database.url().to_owned();
    let kept = Kept::Postgres(database);
    history_in(&kept, folder()).await;
    done(&kept.run(&["verify"]));
    let mut conn = PgConnection::establish(&url).expect("a database");
    for (change, said) in TAMPERING {
        // The body of a snapshot is bytes, and a text is none by itself.
        let change = match change.contains("snapshots") {
            true => change.replace("'x')", "'x'::bytea)"),
            false => (*change).to_owned(),
        };
        // Each is taken back, so that nothing hides behind what came before it.
        for table in TABLES {
            let keep = format!(
                "DROP TABLE IF EXISTS kept_{table}; CREATE TABLE kept_{table} AS TABLE {table}"
            );
            conn.batch_execute(&keep).expect("a copy");
        }
        let changed = diesel::sql_query(&change)
            .execute(&mut conn)
            .expect(&change);
        assert!(changed > 0, "{change}");
        let found = kept.run(&["verify"]);
        for table in TABLES {
            let back =
                format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
            conn.batch_execute(&back).expect("what was there");
        }
        refused(&found, &[said]);
    }
    done(&kept.run(&["verify"]));
}

#[tokio::test]
async fn a_snapshot_in_which_one_word_was_changed_is_found() {
    let own = folder();
    let kept = Kept::Sqlite(own.path().to_owned());
    let own = history_in(&kept, own).await;
    for (was, is) in TAMPERED_SNAPSHOTS {
        let copy = folder();
        let file = "bridge.sqlite3";
        std::fs::copy(own.path().join(file), copy.path().join(file)).expect("a copy");
        let mut conn = sqlite(copy.path());
        let changed = diesel::sql_query(
            "UPDATE snapshots SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB)\
             WHERE instr(CAST(body AS TEXT), ?) > 0",
        )
        .bind::<Text, _>(was)
        .bind::<Text, _>(is)
        .bind::<Text, _>(was)
        .execute(&mut conn)
        .expect("rows");
        assert!(changed > 0, "{was}");
        drop(conn);
        let kept = Kept::Sqlite(copy.path().to_owned());
        refused(&kept.run(&["verify"]), &["does not say what the log says"]);
    }
}

/// The index of the write-ahead log is shared memory. A program that takes the database for one that
/// nobody uses cuts it, and whoever uses it dies.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn another_program_that_looks_in_does_not_disturb_the_server() {
    let own = folder();
    let server = crate::support::Binary::start(own.path(), 0);
    let mut ann = server.session("ann").await;
    ann.create(json!({"room": "den"})).await;
    let index = own.path().join("bridge.sqlite3-shm");
    let bytes = || std::fs::metadata(&index).expect("it is there").len();
    let before = bytes();
    assert!(before > 100_000, "it was reserved: {before}");
    let mut other = sqlite(own.path());
    let looked = diesel::sql_query("SELECT * FROM log").execute(&mut other);
    looked.expect("it is readable");
    assert_eq!(bytes(), before);
    drop(other);
    assert_eq!(bytes(), before);
    ann.post("den", "it goes on").await;
}

#[derive(QueryableByName)]
struct Body {
    #[diesel(sql_type = BigInt)]
    stream_id: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Binary)]
    body: Vec<u8>,
}

#[tokio::test]
async fn a_flipped_bit_in_a_record_is_found() {
    let own = folder();
    let kept = Kept::Sqlite(own.path().to_owned());
    let own = history_in(&kept, own).await;
    let server = TestServer::on(own, String::new());
    let mut ann = server.session("ann").await;
    for number in 0..flips() {
        ann.post("den", &format!("{number} 字")).await;
    }
    drop(ann);
    let (own, _) = server.end();
    let mut conn = sqlite(own.path());
    let bodies: Vec<Body> = diesel::sql_query("SELECT stream_id, seq, body FROM log")
        .load(&mut conn)
        .expect("rows");
    let mut random = StdRng::seed_from_u64(seed());
    let mut flipped = HashSet::new();
    while flipped.len() < flips() {
        let place = random.random_range(0..bodies.len());
        let Body {
            stream_id,
            seq,
            body,
        } = &bodies[place];
        if !flipped.insert(place) {
            continue;
        }
        let mut body = body.clone();
        let bit = random.random_range(0..body.len() * 8);
        body[bit / 8] ^= 1 << (bit % 8);
        diesel::sql_query("UPDATE log SET body = ? WHERE stream_id = ? AND seq = ?")
            .bind::<Binary, _>(body)
            .bind::<BigInt, _>(stream_id)
            .bind::<BigInt, _>(seq)
            .execute(&mut conn)
            .expect("a row");
    }
    drop(conn);
    refused(
        &kept.run(&["verify"]),
        &[&format!(
            "{} things are wrong, of which the first 100",
            flips()
        )],
    );
}

#[test]
fn what_is_not_there_is_not_made() {
    let own = folder();
    let kept = Kept::Sqlite(own.path().to_owned());
    refused(
        &kept.run(&["verify"]),
        &["no agent-bridge database", "bridge.sqlite3"],
    );
    assert!(names(own.path()).is_empty());
    let empty = Kept::Postgres(Database::new());
    refused(&empty.run(&["verify"]), &["no agent-bridge database"]);
    let file = own.path().join("bridge.sqlite3");
    std::fs::write(&file, json!({"no": "database"}).to_string()).expect("a file");
    refused(&kept.run(&["verify"]), &["not a database"]);
    let missing = kept.run(&["verify", "--from", "/nowhere/字.backup"]);
    refused(&missing, &["/nowhere/字.backup"]);
}

/// The replay is a database of its own, which is not to be found afterwards, whatever ended it.
#[cfg(unix)]
#[tokio::test]
async fn nothing_stays_in_the_temporary_folder() {
    let (own, scratch) = (folder(), folder());
    let kept = Kept::Sqlite(own.path().to_owned());
    let _own = history_in(&kept, own).await;
    let command = |args: &[&str]| {
        let mut command = kept.command(args);
        command.env("TMPDIR", scratch.path());
        command
    };
    done(&run(&mut command(&["verify"])));
    assert!(names(scratch.path()).is_empty());
    // A pipe from which nothing is read holds it up until it is interrupted.
    let interrupted = scratch.path().join("out.jsonl");
    let made = std::process::Command::new("mkfifo")
        .arg(&interrupted)
        .status();
    assert!(made.expect("there is a mkfifo command").success());
    let mut child = command(&["verify", "--from", super::arg(&interrupted)])
        .spawn()
        .expect("it runs");
    let has_begun = async {
        let mut poll = tokio::time::interval(std::time::Duration::from_millis(10));
        while names(scratch.path()).len() < 2 {
            poll.tick().await;
        }
    };
    crate::support::within("the check to begin", has_begun).await;
    let ended = async {
        let mut poll = tokio::time::interval(std::time::Duration::from_millis(10));
        loop {
            // Until it listens to signals it is ended by them, with no exit code.
            let pid = child.id().to_string();
            drop(
                std::process::Command::new("kill")
                    .args(["-INT", &pid])
                    .status(),
            );
            poll.tick().await;
            if let Some(status) = child.try_wait().expect("it was ours") {
                return status.code();
            }
        }
    };
    let code = crate::support::within("the check to end", ended).await;
    if code.is_some() {
        assert_eq!(code, Some(130));
        assert_eq!(names(scratch.path()), ["out.jsonl"]);
    }
}
