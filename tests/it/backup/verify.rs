//! `agent-bridge verify`: whatever is wrong is found.

mod tampering;

use std::collections::HashSet;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tempfile::TempDir;

use super::{Kept, court, done, flips, history, names, refused, run, seed, sqlite};
use tampering::{TABLES, TAMPERED_SNAPSHOTS, TAMPERING};

use crate::support::TestServer;
use crate::support::binary::folder;
use crate::support::postgres::Database;

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
