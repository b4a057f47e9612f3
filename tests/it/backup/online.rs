//! `agent-bridge backup`: through a server that goes on.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bridge_core::limits;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Kept, arg, done, history, names, refused, run};
use crate::support::binary::{Said, folder};
use crate::support::postgres::Database;
use crate::support::wait::for_a_while;
use crate::support::{PATIENCE, TestServer, program, within};

const PATH: &str = "/v1/admin/backup";
const WRITERS: usize = 8;

fn backup(server: &TestServer, scopes: &str, to: &Path) -> Command {
    let mut command = program();
    command
        .env("BRIDGE_URL", format!("http://{}", server.addr))
        .env("BRIDGE_TOKEN", server.token_with("root", scopes))
        .args(["backup", "--to", arg(to)]);
    command
}

/// On another thread, so that this one goes on.
async fn meanwhile(mut command: Command) -> Said {
    let running = tokio::task::spawn_blocking(move || run(&mut command));
    running.await.expect("no panic")
}

/// A room with so many of the longest posts.
async fn large(server: &TestServer, posts: usize) {
    let ann = server.rest("ann");
    let room = json!({"room": "big"});
    ann.post("/v1/rooms", &room).await.ok(201);
    let body = json!({"text": "字".repeat(limits::TEXT_CHARS_MAX)});
    for _ in 0..posts {
        ann.post("/v1/rooms/big/messages", &body).await.ok(201);
    }
}

/// Writers write while a backup is made; what is restored is where each of them once was.
#[tokio::test]
async fn a_backup_under_load_is_a_prefix_of_the_history() {
    let server = TestServer::with(history::SETTINGS);
    history::make(&server).await;
    let rooms: Vec<String> = (0..WRITERS).map(|n| format!("room-{n}")).collect();
    for room in &rooms {
        let room = json!({ "room": room });
        server.rest("ann").post("/v1/rooms", &room).await.ok(201);
    }
    let target = folder();
    let file = target.path().join("bridge 字.backup");
    let post = async |room: &str| {
        let path = format!("/v1/rooms/{room}/messages");
        let ann = server.rest("ann");
        ann.post(&path, &json!({"text": "on and on"})).await.ok(201);
    };
    for room in &rooms {
        post(room).await;
    }
    let (stop, stopped) = watch::channel(false);
    let writing = join_all(rooms.iter().map(|room| {
        let stopped = stopped.clone();
        async move {
            while !*stopped.borrow() {
                post(room).await;
            }
        }
    }));
    let backing_up = async {
        for_a_while(Duration::from_millis(300)).await;
        let said = meanwhile(backup(&server, "admin", &file)).await;
        stop.send_replace(true);
        said
    };
    let (_, said) = tokio::join!(writing, backing_up);
    for room in &rooms {
        post(room).await;
    }
    done(&said);
    let ann = server.rest("ann");
    let mut before = Vec::new();
    for room in &rooms {
        before.push(ann.events(room, 0).await);
    }
    let den = ann.events("den", 0).await;
    let epoch = ann.get("/v1/rooms/den").await.ok(200)["epoch"].clone();
    assert!(!server.folder().join("backup.tmp").exists());
    drop(server);

    let elsewhere = folder();
    let kept = Kept::Sqlite(elsewhere.path().to_owned());
    done(&kept.run(&["restore", "--from", arg(&file)]));
    done(&kept.run(&["verify"]));
    let server = TestServer::on(elsewhere, history::SETTINGS.to_owned());
    let ann = server.rest("ann");
    let mut restored = 0;
    for (room, before) in rooms.iter().zip(before) {
        let after = ann.events(room, 0).await;
        assert_eq!(before[..after.len()], after[..], "{room}");
        assert!(after.len() < before.len(), "it was written to afterwards");
        restored += after.len();
    }
    assert!(
        restored >= 3 * WRITERS,
        "it was written to before: {restored}"
    );
    assert_eq!(ann.events("den", 0).await, den);
    let mut ws = server.open("ann").await;
    let cursor = json!({"epoch": epoch, "rooms": {"den": 3}});
    let welcome = ws.resume(cursor).await;
    assert_eq!(welcome["resumed"]["Den"]["complete"], false, "{welcome}");
    assert_ne!(welcome["epoch"], epoch);
}

#[tokio::test]
async fn a_file_that_is_there_is_not_touched() {
    let server = TestServer::start();
    let target = folder();
    let file = target.path().join("one.backup");
    std::fs::write(&file, "mine").expect("a writable folder");
    let said = meanwhile(backup(&server, "admin", &file)).await;
    refused(&said, &["one.backup is there already", "--force"]);
    assert_eq!(std::fs::read(&file).expect("it is there"), b"mine");
    let mut command = backup(&server, "admin", &file);
    command.args(["--force", "--json"]);
    let said = meanwhile(command).await;
    done(&said);
    let answer: Value = serde_json::from_str(&said.out).expect("JSON");
    let bytes = std::fs::metadata(&file).expect("it is there").len();
    assert_eq!(answer["bytes"], bytes, "{answer}");
    assert_eq!(names(target.path()), ["one.backup"]);
    let nowhere = target.path().join("nowhere").join("x.backup");
    let said = meanwhile(backup(&server, "admin", &nowhere)).await;
    refused(&said, &["cannot write", "nowhere"]);
}

#[tokio::test]
async fn only_an_administrator_makes_one() {
    let server = TestServer::start();
    let target = folder();
    let file = target.path().join("one.backup");
    let said = meanwhile(backup(&server, "message room", &file)).await;
    assert_eq!(said.code, Some(5), "{}", said.err);
    assert!(said.err.contains("scope_missing"), "{}", said.err);
    assert!(names(target.path()).is_empty());
    let ann = server.rest("ann");
    ann.post(PATH, &json!({}))
        .await
        .error(403, "scope_missing", 1102);
    let nobody = crate::support::Rest::new(server.addr, None);
    nobody
        .post(PATH, &json!({}))
        .await
        .error(401, "unauthorized", 1100);
}

/// A client that does not read on holds the only place, until it leaves.
#[tokio::test]
async fn there_is_one_at_a_time() {
    let server = TestServer::start();
    large(&server, 300).await;
    let root = server.rest_with("root", "admin");
    let slow = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let slow = slow
        .post(format!("http://{}{PATH}", server.addr))
        .bearer_auth(server.token_with("root", "admin"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(slow.status().as_u16(), 200);
    let copy = server.folder().join("backup.tmp");
    assert!(copy.exists());
    let refusal = root.post(PATH, &json!({})).await;
    let error = refusal.error(503, "backup_under_way", 1608);
    assert_eq!(error["temporary"], true);
    assert!(refusal.headers.contains_key("retry-after"));
    drop(slow);
    let gone = async {
        let mut poll = tokio::time::interval(Duration::from_millis(10));
        while copy.exists() {
            poll.tick().await;
        }
    };
    within("the copy to go", gone).await;
    let target = folder();
    let file = target.path().join("one.backup");
    done(&meanwhile(backup(&server, "admin", &file)).await);
}

#[tokio::test]
async fn what_a_crash_has_left_goes_with_the_next_start() {
    let own = folder();
    let left = own.path().join("backup.tmp");
    std::fs::create_dir(&left).expect("a folder");
    std::fs::write(left.join("copy.sqlite3"), "half").expect("a file");
    let server = TestServer::on(own, String::new());
    assert!(!left.exists());
    drop(server);
}

/// The answer is one, too, to whoever has no command: it is a database with a seal behind it.
#[tokio::test]
async fn the_answer_says_how_long_it_is_and_of_which_epoch() {
    let server = TestServer::start();
    let root = server.rest_with("root", "admin");
    let request = root.request(Method::POST, PATH).timeout(PATIENCE);
    let answer = request.send().await.expect("an answer");
    let header = |name: &str| {
        let value = answer.headers().get(name).expect(name);
        value.to_str().expect("ASCII").to_owned()
    };
    assert!(header("agent-bridge-epoch").starts_with("ep_"));
    assert_eq!(header("content-type"), "application/octet-stream");
    let length: usize = header("content-length").parse().expect("a number");
    let bytes = answer.bytes().await.expect("a whole body");
    assert_eq!(bytes.len(), length);
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    assert_eq!(bytes.last(), Some(&b'\n'));
}

#[tokio::test]
async fn postgresql_has_tools_of_its_own() {
    let kept = Kept::Postgres(Database::new());
    let server = TestServer::with(&kept.settings());
    let target = folder();
    let file = target.path().join("one.backup");
    let said = meanwhile(backup(&server, "admin", &file)).await;
    refused(&said, &["pg_dump", "restore --new-epoch", "1609"]);
    assert!(names(target.path()).is_empty());
}
