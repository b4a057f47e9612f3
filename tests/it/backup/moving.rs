//! `agent-bridge export` and `import`: from one kind of database to the other.

use std::io::{BufRead, Write};
use std::path::Path;
use std::process::Stdio;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Kept, arg, court, done, history, names, refused, sqlite};
use crate::support::TestServer;
use crate::support::binary::{folder, said};
use crate::support::postgres::Database;

async fn history_in(kept: &Kept, folder: TempDir) -> TempDir {
    let settings = format!("{}{}", history::SETTINGS, kept.settings());
    let server = TestServer::on(folder, settings);
    history::make(&server).await;
    let folder = server.end().0;
    court::make(kept);
    if matches!(kept, Kept::Sqlite(_)) {
        leave_something_open(folder.path());
    }
    folder
}

/// As if the server had been killed before it came to that.
fn leave_something_open(folder: &Path) {
    let mut conn = sqlite(folder);
    let open = "INSERT INTO follow_ups SELECT stream_id, seq FROM log \
        WHERE kind IN ('message_done', 'message_died')";
    let open = diesel::sql_query(open).execute(&mut conn).expect("rows");
    assert!(open > 1);
}

fn export(kept: &Kept, to: &Path) -> Vec<String> {
    done(&kept.run(&["export", "--to", arg(to)]));
    let text = std::fs::read_to_string(to).expect("an export");
    text.lines().map(str::to_owned).collect()
}

/// Everything but the first line, which has the epoch, and the last, which has the hash of it.
fn records(lines: &[String]) -> &[String] {
    &lines[1..lines.len() - 1]
}

#[tokio::test]
async fn an_install_moves_to_postgresql_and_back() {
    let (own, files) = (folder(), folder());
    let file = |name: &str| files.path().join(name);
    let first = Kept::Sqlite(own.path().to_owned());
    let own = history_in(&first, own).await;
    let exported = export(&first, &file("first.jsonl"));
    let header: Value = serde_json::from_str(&exported[0]).expect("JSON");
    assert_eq!(header["agent_bridge_export"], 1);
    assert!(
        records(&exported)
            .iter()
            .any(|line| line.contains("\"open\":true"))
    );
    assert!(
        records(&exported)
            .iter()
            .any(|line| line.contains("日本語"))
    );

    let second = Kept::Postgres(Database::new());
    done(&second.run(&["import", "--from", arg(&file("first.jsonl"))]));
    done(&second.run(&["verify"]));
    let moved = export(&second, &file("second.jsonl"));
    assert_eq!(records(&moved), records(&exported));
    assert_ne!(moved[0], exported[0], "another epoch");

    let third = folder();
    let kept = Kept::Sqlite(third.path().to_owned());
    done(&kept.run(&["import", "--from", arg(&file("second.jsonl"))]));
    done(&kept.run(&["verify"]));
    let back = export(&kept, &file("third.jsonl"));
    assert_eq!(records(&back), records(&exported));

    // It goes on, and cursors notice.
    let server = TestServer::on(third, history::SETTINGS.to_owned());
    let mut ws = server.open("ann").await;
    let cursor = json!({"epoch": header["epoch"], "rooms": {"den": 3}});
    let welcome = ws.resume(cursor).await;
    assert_eq!(welcome["resumed"]["Den"]["complete"], false, "{welcome}");
    let body = json!({"text": "it goes on"});
    let ann = server.rest("ann");
    ann.post("/v1/rooms/den/messages", &body).await.ok(201);
    drop(own);
}

/// What was not brought about before is brought about afterwards, and what was is not told again.
#[tokio::test]
async fn a_pipe_is_as_good_as_a_file() {
    let own = folder();
    let kept = Kept::Sqlite(own.path().to_owned());
    let _own = history_in(&kept, own).await;
    let out = said(
        kept.command(&["export", "--to", "-"])
            .output()
            .expect("it runs"),
    );
    done(&out);
    let other = folder();
    let target = Kept::Sqlite(other.path().to_owned());
    let mut child = target
        .command(&["import", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(out.out.as_bytes()).expect("it reads");
    drop(stdin);
    done(&said(child.wait_with_output().expect("it ends")));
    let again = said(
        target
            .command(&["export", "--to", "-"])
            .output()
            .expect("it runs"),
    );
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(records(&lines(&again.out)), records(&lines(&out.out)));
}

fn joined(lines: &[String]) -> Vec<u8> {
    format!("{}\n", lines.join("\n")).into_bytes()
}

/// An export with something left out or put in, and what is said of it.
fn cut_ones(lines: &[String]) -> Vec<(Vec<u8>, &'static str)> {
    let whole = joined(lines);
    let mut without = lines.to_vec();
    without.remove(lines.len() / 2);
    let mut twice = lines.to_vec();
    twice.insert(1, lines[1].clone());
    vec![
        (Vec::new(), "line 1: it ends here"),
        (whole[..whole.len() - 1].to_vec(), "cut off"),
        (whole[..whole.len() / 2].to_vec(), "cut off"),
        (joined(&lines[..lines.len() - 1]), "cut off"),
        ([&whole[..], b"{}\n"].concat(), "something follows"),
        (joined(&without), "should come"),
        (joined(&twice), "should come"),
        (b"\xff\xfe\n".to_vec(), "line 1"),
        (vec![b'x'; 5 * 1024 * 1024], "line 1: it is longer than"),
    ]
}

/// An export with one thing changed, and what is said of it.
fn changed_ones(lines: &[String]) -> Vec<(Vec<u8>, &'static str)> {
    let changed = |at: usize, from: &str, to: &str| {
        let mut lines = lines.to_vec();
        let line = lines[at].replacen(from, to, 1);
        assert_ne!(line, lines[at], "{from}");
        lines[at] = line;
        joined(&lines)
    };
    let last = lines.len() - 1;
    let room = lines.iter().position(|line| line.contains("設計"));
    let room = room.expect("a room");
    let records = records(lines);
    let open = records
        .iter()
        .position(|line| line.contains("\"open\":true"));
    let open = 1 + open.expect("something is open");
    let keyed = 1 + records
        .iter()
        .position(|line| line.contains("\"key\":"))
        .expect("a key");
    vec![
        (
            changed(0, "\"agent_bridge_export\":1", "\"agent_bridge_export\":2"),
            "the form 2",
        ),
        (
            changed(0, "\"agent_bridge_export\":1", "\"other\":1"),
            "no export of agent-bridge",
        ),
        (changed(0, "ep_", "ep_0"), "line 1"),
        (
            changed(room, "\"by\":\"ann\"", "\"by\":\"eve\""),
            ": checksum",
        ),
        (changed(room, "設計", "設設"), ": checksum"),
        (changed(room, "\"seq\":1", "\"seq\":2"), ": checksum"),
        (changed(room, "\"at_ms\":", "\"at_ms\":1"), ": checksum"),
        (
            changed(room, "\"open\":false", "\"open\":true"),
            "no effects on other streams",
        ),
        (
            changed(open, "\"open\":true", "\"open\":false"),
            "the SHA-256 of what is in front",
        ),
        (changed(keyed, "\"key\":\"", "\"key\":\"x"), "checksum"),
        (
            changed(keyed, "\"fingerprint\":\"", "\"fingerprint\":\"0"),
            "fingerprint",
        ),
        (
            changed(last, "\"records\":", "\"records\":1"),
            "the number of records",
        ),
        (
            changed(last, "\"streams\":", "\"streams\":1"),
            "the number of streams",
        ),
        (
            changed(last, "\"sha256\":\"", "\"sha256\":\"0"),
            "the SHA-256",
        ),
    ]
}

#[tokio::test]
async fn an_export_that_was_changed_changes_nothing() {
    let (own, files) = (folder(), folder());
    let kept = Kept::Sqlite(own.path().to_owned());
    let _own = history_in(&kept, own).await;
    let file = files.path().join("one.jsonl");
    let lines = export(&kept, &file);
    let whole = std::fs::read(&file).expect("an export");
    let cases = [cut_ones(&lines), changed_ones(&lines)].concat();
    let other = folder();
    let target = Kept::Sqlite(other.path().to_owned());
    for (bytes, words) in cases {
        std::fs::write(&file, bytes).expect("a writable folder");
        refused(
            &target.run(&["import", "--from", arg(&file)]),
            &["one.jsonl: line", words],
        );
        assert_eq!(names(other.path()), ["server.lock"], "{words}");
    }
    std::fs::write(&file, whole).expect("a writable folder");
    done(&target.run(&["import", "--from", arg(&file)]));
}

#[tokio::test]
async fn only_an_empty_database_is_filled_and_no_file_is_written_over() {
    let (own, files) = (folder(), folder());
    let file = files.path().join("字 one.jsonl");
    let kept = Kept::Sqlite(own.path().to_owned());
    let _own = history_in(&kept, own).await;
    export(&kept, &file);
    let import = ["import", "--from", arg(&file)];
    refused(
        &kept.run(&["export", "--to", arg(&file)]),
        &["is there already", "--force"],
    );
    done(&kept.run(&["export", "--force", "--to", arg(&file)]));
    assert_eq!(names(files.path()), ["字 one.jsonl"]);
    refused(&kept.run(&import), &["is not empty"]);
    done(&kept.run(&["verify"]));
    let postgres = Kept::Postgres(Database::new());
    let server = TestServer::with(&postgres.settings());
    refused(&postgres.run(&import), &["server is using"]);
    // A database that a server has made and nobody has written to is empty.
    drop(server);
    done(&postgres.run(&import));
    refused(&postgres.run(&import), &["is not empty"]);
    done(&postgres.run(&["verify"]));
    let running = TestServer::start();
    let target = Kept::Sqlite(running.folder().to_owned());
    refused(
        &target.run(&import),
        &["another agent-bridge server is using"],
    );
}

/// The checks in front cannot know that two messages have one id; the database does. Then nothing
/// remains, and the next import is as good as the first.
#[tokio::test]
async fn an_import_that_the_database_refuses_leaves_it_empty() {
    let (own, files) = (folder(), folder());
    let kept = Kept::Sqlite(own.path().to_owned());
    let own = history_in(&kept, own).await;
    let file = files.path().join("one.jsonl");
    export(&kept, &file);
    let broken = files.path().join("broken.jsonl");
    std::fs::write(&broken, with_a_post_twice(&file)).expect("a writable folder");
    let other = folder();
    for target in [
        Kept::Sqlite(other.path().to_owned()),
        Kept::Postgres(Database::new()),
    ] {
        let said = target.run(&["import", "--from", arg(&broken)]);
        refused(&said, &["room:Den", "cannot be written"]);
        done(&target.run(&["verify"]));
        let empty = target.run(&["verify"]);
        assert!(
            empty.out.starts_with("0 records of 0 streams"),
            "{}",
            empty.out
        );
        done(&target.run(&["import", "--from", arg(&file)]));
        done(&target.run(&["verify"]));
    }
    drop(own);
}

/// The same export with one more record, which says again what another one has said, under a good
/// checksum and before a good end.
fn with_a_post_twice(file: &Path) -> String {
    use bridge_core::stored::Sealed;
    use bridge_core::{ClientId, Seq, Timestamp};
    use sha2::{Digest, Sha256};

    let text = std::fs::read_to_string(file).expect("an export");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_of_den = |line: &String| line.starts_with("{\"stream\":\"room:Den\"");
    let post = lines
        .iter()
        .find(|line| is_of_den(line) && line.contains("\"kind\":\"posted\""))
        .expect("a post")
        .clone();
    let last = lines.iter().rposition(is_of_den).expect("a room");
    let seq_of = |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["seq"].as_u64();
    let seq = seq_of(&lines[last]).expect("a seq") + 1;
    let (_, body) = post.split_once("\"body\":").expect("a body");
    let body = body.strip_suffix('}').expect("it is the last field");
    let said: Value = serde_json::from_str(&post).expect("JSON");
    let at_ms = said["at_ms"].as_i64().expect("a time");
    let by: ClientId = "ann".parse().expect("a name");
    let stream = bridge_core::event::Stream::from_words("room", "Den").expect("a stream");
    let sealed = Sealed {
        stream: &stream,
        seq: Seq::new(seq),
        at: Timestamp::from_millis(at_ms),
        by: &by,
        key: None,
        kind: "posted",
        body: body.as_bytes(),
    };
    let line = format!(
        "{{\"stream\":\"room:Den\",\"seq\":{seq},\"at_ms\":{at_ms},\"by\":\"ann\",\
         \"kind\":\"posted\",\"open\":false,\"checksum\":{},\"body\":{body}}}",
        sealed.checksum()
    );
    lines.insert(last + 1, line);
    let end: Value = serde_json::from_str(&lines.pop().expect("an end")).expect("JSON");
    let front = format!("{}\n", lines.join("\n"));
    let hash: String = Sha256::digest(front.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let records = lines.len() - 1;
    let end = format!(
        "{{\"end\":true,\"streams\":{},\"records\":{records},\"sha256\":\"{hash}\"}}",
        end["streams"]
    );
    format!("{front}{end}\n")
}

/// As after a power cut in the middle of an import.
#[tokio::test]
async fn half_an_import_is_taken_for_nothing_and_begun_anew() {
    let (own, files) = (folder(), folder());
    let kept = Kept::Sqlite(own.path().to_owned());
    let _own = history_in(&kept, own).await;
    let file = files.path().join("one.jsonl");
    let whole = export(&kept, &file);
    let mark = "INSERT INTO meta (name, value) VALUES ('import', 'unfinished')";
    let mut conn = sqlite(_own.path());
    diesel::sql_query(mark).execute(&mut conn).expect("a row");
    drop(conn);
    let postgres = Database::new();
    let mut conn = PgConnection::establish(postgres.url()).expect("a database");
    let other = Kept::Postgres(postgres);
    done(&other.run(&["import", "--from", arg(&file)]));
    diesel::sql_query(mark).execute(&mut conn).expect("a row");
    for target in [kept, other] {
        let words = ["was not brought to its end", "agent-bridge import"];
        refused(&target.run(&["serve", "--bind", "127.0.0.1:0"]), &words);
        refused(&target.run(&["verify"]), &words);
        refused(&target.run(&["export", "--to", "-"]), &words);
        done(&target.run(&["import", "--from", arg(&file)]));
        done(&target.run(&["verify"]));
        let again = export(&target, &files.path().join("again.jsonl"));
        assert_eq!(records(&again), records(&whole));
        std::fs::remove_file(files.path().join("again.jsonl")).expect("it is there");
    }
}

/// What `import` would refuse is not exported: the database may be gone by then.
#[tokio::test]
async fn a_log_with_a_gap_is_not_exported() {
    let (own, files) = (folder(), folder());
    let kept = Kept::Sqlite(own.path().to_owned());
    let own = history_in(&kept, own).await;
    let mut conn = sqlite(own.path());
    let gap = "DELETE FROM log WHERE seq = 2 \
               AND stream_id = (SELECT id FROM streams WHERE name = 'Den')";
    let gone = diesel::sql_query(gap).execute(&mut conn).expect("a row");
    assert_eq!(gone, 1);
    let file = files.path().join("one.jsonl");
    refused(
        &kept.run(&["export", "--to", arg(&file)]),
        &[
            "room:Den: seq 2 should come, and seq 3",
            "agent-bridge verify",
        ],
    );
    assert!(names(files.path()).is_empty());
}

/// Told to stop in the middle of it, it takes out what it has written.
#[cfg(unix)]
#[tokio::test]
async fn an_import_that_is_stopped_leaves_the_database_empty() {
    let (own, files) = (folder(), folder());
    let kept = Kept::Sqlite(own.path().to_owned());
    let _own = history_in(&kept, own).await;
    let file = files.path().join("one.jsonl");
    export(&kept, &file);
    let database = Database::new();
    let mut conn = PgConnection::establish(database.url()).expect("a database");
    let target = Kept::Postgres(database);
    drop(TestServer::with(&target.settings()));
    // What it writes waits for this, so it is in the middle for as long as that takes.
    conn.batch_execute("BEGIN; LOCK TABLE log IN SHARE MODE")
        .expect("a lock");
    let mut import = target.command(&["import", "--from", arg(&file)]);
    import.stderr(std::process::Stdio::piped());
    let mut import = import.spawn().expect("it runs");
    let waits =
        "SELECT count(*) AS found FROM pg_locks WHERE NOT granted AND relation = 'log'::regclass";
    let is_waiting = |conn: &mut PgConnection| {
        let found: Count = diesel::sql_query(waits).get_result(conn).expect("a number");
        found.found > 0
    };
    let mut poll = tokio::time::interval(std::time::Duration::from_millis(10));
    let begun = async {
        while !is_waiting(&mut conn) {
            poll.tick().await;
        }
    };
    crate::support::within("the import to write", begun).await;
    let told = std::process::Command::new("kill")
        .args(["-TERM", &import.id().to_string()])
        .status();
    assert!(told.expect("there is a kill command").success());
    let mut said = String::new();
    let mut err = std::io::BufReader::new(import.stderr.take().expect("a pipe"));
    err.read_line(&mut said).expect("it says so");
    assert!(said.starts_with("stopping"), "{said}");
    conn.batch_execute("ROLLBACK").expect("the lock is gone");
    let status = import.wait().expect("it was ours");
    assert_eq!(status.code(), Some(130));
    let empty = target.run(&["verify"]);
    done(&empty);
    assert!(empty.out.starts_with("0 records"), "{}", empty.out);
    done(&target.run(&["import", "--from", arg(&file)]));
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    found: i64,
}
