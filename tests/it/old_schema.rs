//! A database of an earlier version is opened, and nothing in it is lost.
//!
//! The file was made by the first schema. When the schema changes, this test keeps the old file; a
//! new one is made beside it with the test below, which is run by hand.

use std::path::{Path, PathBuf};

use agent_bridge::storage::sqlite;
use bridge_core::event::Stream;
use bridge_core::owner::Answer;
use bridge_core::ports::{DecisionsQuery, Directory, Log, Reader};
use bridge_core::{Epoch, MessageId, Seq, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::savepoints::mailbox;
use crate::support::TestServer;
use crate::support::binary::folder;
use crate::support::ws::as_told_to_all;

const TEXTS: [&str; 5] = [
    "Good morning",
    "日本語のテキスト",
    "العربية",
    "👩‍🚀 é é",
    "line\nbreak",
];
const PASSWORD: &str = "öffne dich 🗝";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema-2026-11-22")
}

/// What was in the database when it was made.
fn expected() -> Value {
    let text = std::fs::read_to_string(fixture().join("expected.json")).expect("the fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// Everything that members can see.
async fn everything(server: &TestServer) -> Value {
    let (ann, bob) = (server.rest("Ann"), server.rest("bob"));
    json!({
        "den": ann.get("/v1/rooms/den").await.ok(200),
        "vault": ann.get("/v1/rooms/vault").await.ok(200),
        "den_events": ann.events("den", 0).await,
        "vault_events": ann.events("vault", 0).await,
        "anns_rooms": ann.get("/v1/rooms").await.ok(200),
        "bobs_rooms": bob.get("/v1/rooms").await.ok(200),
    })
}

/// Everything that was there is there. There may be more: later versions add fields.
fn assert_within(expected: &Value, found: &Value, place: &str) {
    match (expected, found) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, field) in fields {
                assert_within(field, &found[name], &format!("{place}/{name}"));
            }
        }
        (Value::Array(items), Value::Array(others)) => {
            assert_eq!(items.len(), others.len(), "{place}: {found}");
            for (number, (item, other)) in items.iter().zip(others).enumerate() {
                assert_within(item, other, &format!("{place}/{number}"));
            }
        }
        _ => assert_eq!(expected, found, "{place}"),
    }
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_read_whole() {
    let folder = folder();
    let file = folder.path().join("bridge.sqlite3");
    std::fs::copy(fixture().join("bridge.sqlite3"), &file).expect("a writable folder");
    let server = TestServer::on(folder, String::new());
    let expected = expected();
    assert_within(&expected, &everything(&server).await, "");

    let ann = server.rest("ann");
    let keyed = expected["den_events"].as_array().expect("a list");
    let original = keyed
        .iter()
        .find(|event| event["text"] == TEXTS[1])
        .expect("it was posted");
    let path = "/v1/rooms/den/messages";
    let body = json!({"text": TEXTS[1], "channel": "Tests", "metadata": {"n": [1, null, "字"]}});
    let repeat = ann
        .keyed(Method::POST, path, Some(&body), "key-1")
        .await
        .ok(200);
    assert_eq!(repeat["duplicate"], true);
    assert_eq!(as_told_to_all(&repeat), *original);
    let other = json!({"text": "other"});
    ann.keyed(Method::POST, path, Some(&other), "key-1")
        .await
        .error(409, "key_reused", 1400);

    let epoch = &expected["den"]["epoch"];
    let head = expected["den"]["head"].as_u64().expect("a head");
    let mut ws = server.open("bob").await;
    let welcome = ws
        .resume(json!({"epoch": epoch, "rooms": {"den": 2}}))
        .await;
    assert_eq!(
        welcome["resumed"]["Den"],
        json!({"from": 2, "to": head, "complete": true})
    );
    assert_eq!(ws.post("den", "it goes on").await["seq"], head + 1);
    let told = ws.events("Den");
    assert_eq!(told[..told.len() - 1], keyed[2..]);
    // The grant still opens the door, and the closed room stays closed.
    server
        .rest("cem")
        .put("/v1/rooms/den/members/me", &json!({}))
        .await
        .ok(200);
    let post = json!({"text": "x"});
    ann.post("/v1/rooms/vault/messages", &post)
        .await
        .error(409, "room_closed", 1202);
}

/// The new tables are there and empty: what happened before them is no news to anybody.
#[test]
fn a_database_of_the_first_schema_takes_direct_messages() {
    let folder = folder();
    let file = folder.path().join("bridge.sqlite3");
    std::fs::copy(fixture().join("bridge.sqlite3"), &file).expect("a writable folder");
    let open = || {
        let epoch = Epoch::from_uuid(Uuid::from_u128(1));
        sqlite::open(&file, epoch).expect("it is brought up to date")
    };
    let whole = |store: &sqlite::SqliteStore| {
        let den = Stream::Room("den".parse().expect("a name"));
        let records = store.page(&den, Seq::ZERO, 100);
        records.expect("every checksum is right")
    };

    let mut opened = open();
    let before = whole(&opened.store);
    assert!(!before.is_empty());
    assert_eq!(opened.store.follow_ups(None, 9), Ok(vec![]));
    let motions = DecisionsQuery {
        state: None,
        before: None,
        rows_max: 9,
    };
    let den = "den".parse().expect("a name");
    assert_eq!(opened.store.decisions(&den, &motions), Ok(vec![]));
    let ever = Timestamp::from_millis(i64::MAX);
    assert_eq!(opened.store.due_rooms(ever, 9), Ok(vec![]));
    assert_eq!(opened.store.posts_total(), Ok(6));
    // A mailbox may have the name of a room.
    let answers = opened.log.append(&[&mailbox("den", &[1])]);
    assert_eq!(answers, Ok(vec![Answer::Stored]));
    drop(opened);

    let opened = open();
    assert_eq!(whole(&opened.store), before);
    assert_eq!(opened.store.posts_total(), Ok(7));
    let client = "DEN".parse().expect("a name");
    let id = MessageId::from_uuid(Uuid::from_u128(1));
    let found = opened.store.delivery(&Stream::Mailbox(client), id);
    assert!(matches!(found, Ok(Some(_))), "{found:?}");
}

/// Made the fixture: `cargo nextest run --test it --run-ignored only make_the_fixture`.
#[tokio::test]
#[ignore = "it writes the fixture of today's schema"]
async fn make_the_fixture() {
    let mut server = TestServer::start();
    let (ann, bob) = (server.rest("Ann"), server.rest("bob"));
    let policy = json!({"visibility": "listed", "weights": {"reviewer": 0.5}});
    let den = json!({"room": "Den", "topic": "Tigers 🐯", "password": PASSWORD, "policy": policy});
    ann.keyed(Method::POST, "/v1/rooms", Some(&den), "key-0")
        .await
        .ok(201);
    let join = json!({"password": PASSWORD, "role": "reviewer"});
    bob.put("/v1/rooms/den/members/me", &join).await.ok(200);
    let channel = json!({"name": "Tests", "topic": "検査"});
    ann.post("/v1/rooms/den/channels", &channel).await.ok(201);
    ann.put("/v1/rooms/den/members/cem", &json!({"role": "tester"}))
        .await
        .ok(200);
    for (number, text) in TEXTS.iter().enumerate() {
        let body = json!({"text": text, "channel": "Tests", "metadata": {"n": [1, null, "字"]}});
        let rest = if number % 2 == 1 { &ann } else { &bob };
        let key = format!("key-{number}");
        rest.keyed(Method::POST, "/v1/rooms/den/messages", Some(&body), &key)
            .await
            .ok(201);
    }
    let vault = json!({"room": "vault", "password": "x", "policy": {"visibility": "private"}});
    ann.post("/v1/rooms", &vault).await.ok(201);
    ann.post(
        "/v1/rooms/vault/messages",
        &json!({"text": "@ann secret 🤫"}),
    )
    .await
    .ok(201);
    ann.ask(
        Method::DELETE,
        "/v1/rooms/vault",
        Some(&json!({"reason": "fertig ✅"})),
    )
    .await
    .ok(200);
    let expected = everything(&server).await;
    server.stop().expect("an orderly end");
    let target = fixture();
    std::fs::create_dir_all(&target).expect("a writable checkout");
    let text = serde_json::to_string_pretty(&expected).expect("JSON");
    std::fs::write(target.join("expected.json"), text + "\n").expect("a writable checkout");
    checkpointed(server.folder(), &target.join("bridge.sqlite3"));
}

/// Writes the whole database into one new file.
fn checkpointed(folder: &Path, target: &Path) {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};
    let file = folder.join("bridge.sqlite3");
    let file = file.to_str().expect("UTF-8");
    let mut database = SqliteConnection::establish(file).expect("a database");
    database
        .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("nobody else uses it");
    drop(database);
    std::fs::copy(file, target).expect("a writable checkout");
}
