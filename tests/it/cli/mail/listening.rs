//! `agent-bridge listen`

use serde_json::{Value, json};

use super::{Going, make_known, ok, said_well, say, send, stages};
use crate::support::binary::{Binary, folder};

fn listen(server: &Binary, client: &str, args: &[&str]) -> Going {
    let mut command = server.client_command(client);
    let mut going = Going::start(command.args(["listen", "--json"]).args(args));
    let first = going.line();
    assert_eq!(
        (&first["type"], &first["again"]),
        (&json!("listening"), &json!(false))
    );
    going
}

#[test]
fn a_message_is_printed_and_then_acknowledged() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["ann", "bob"]);
    let waiting = send(&server, "ann", "bob", "before");
    let mut bob = listen(&server, "bob", &["--ack", "done", "--count", "2"]);
    let message = bob.line();
    assert_eq!(
        (
            &message["type"],
            &message["id"],
            &message["text"],
            &message["attempt"]
        ),
        (
            &json!("message"),
            &json!(waiting),
            &json!("before"),
            &json!(1)
        )
    );
    let live = send(&server, "ann", "bob", "after");
    assert_eq!(bob.line()["id"], json!(live));
    let (code, rest) = bob.ended();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    for id in [waiting, live] {
        assert_eq!(stages(&server, "ann", &id), ["stored", "delivered", "done"]);
    }
}

#[test]
fn nothing_is_confirmed_unless_it_is_asked_for() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["bob", "cem"]);
    let id = send(&server, "ann", "bob", "hello\u{1b}");
    let text = said_well(&server, "bob", &["listen", "--count", "1"]);
    assert!(
        text.contains("ann") && text.ends_with(": hello␛\n"),
        "{text:?}"
    );
    // The session ended without a word, and so it is handed over again.
    let mut again = listen(
        &server,
        "bob",
        &["--count", "1", "--ack", "seen", "--from", "ann"],
    );
    let message = again.line();
    assert_eq!(
        (&message["id"], &message["attempt"]),
        (&json!(id), &json!(2))
    );
    assert_eq!(again.ended().0, Some(0));
    let stages = stages(&server, "ann", &id);
    assert_eq!(
        stages,
        ["stored", "delivered", "returned", "delivered", "seen"]
    );
}

#[test]
fn only_what_one_client_sent() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["bob"]);
    let other = send(&server, "cem", "bob", "not now");
    let wanted = send(&server, "ann", "bob", "now");
    let mut bob = listen(
        &server,
        "bob",
        &["--from", "ANN", "--ack", "done", "--count", "1"],
    );
    assert_eq!(bob.line()["id"], json!(wanted));
    assert_eq!(bob.ended().0, Some(0));
    let stages = stages(&server, "cem", &other);
    assert_eq!(stages[..2], ["stored", "delivered"], "{stages:?}");
    assert!(!stages.iter().any(|stage| stage == "done"));
}

#[test]
fn receipts_and_messages_to_all_are_shown() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["ann", "bob"]);
    let mut ann = listen(&server, "ann", &["--receipts"]);
    let id = send(&server, "ann", "bob", "hi");
    said_well(&server, "bob", &["listen", "--ack", "seen", "--count", "1"]);
    for stage in ["delivered", "seen"] {
        let receipt = ann.line_of("receipt");
        assert_eq!(
            (&receipt["id"], &receipt["stage"], &receipt["by"]),
            (&json!(id), &json!(stage), &json!("bob"))
        );
    }
    let mut command = server.client_command("cem");
    command.env("BRIDGE_TOKEN", server.token_for("cem", "message broadcast"));
    let sent = super::run(command.args(["send", "all", "noon"]));
    assert_eq!(sent.code, Some(0), "{}", sent.err);
    let message = ann.line_of("message");
    assert_eq!(
        (&message["to"], &message["text"]),
        (&json!("all"), &json!("noon"))
    );
    // Who was away gets it, and only once.
    let mut late = listen(&server, "bob", &["--count", "1"]);
    assert_eq!(late.line_of("message")["text"], "noon");
    assert_eq!(late.ended().0, Some(0));
    let id = send(&server, "ann", "bob", "and now");
    let mut again = listen(&server, "bob", &["--count", "1"]);
    assert_eq!(again.line_of("message")["id"], json!(id));
}

#[tokio::test]
async fn every_message_once_over_a_server_that_was_killed() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["bob"]);
    let mut bob = listen(&server, "bob", &["--ack", "done"]);
    let mut sent = Vec::new();
    let mut server = server;
    for round in 0..3 {
        sent.push(send(&server, "ann", "bob", &format!("round {round}")));
        let message = bob.line_of("message");
        assert_eq!(message["id"].as_str(), sent.last().map(String::as_str));
        let addr = server.kill();
        server = Binary::start(folder.path(), addr.port());
        let again = bob.line_of("listening");
        assert_eq!(again["again"], true);
    }
    for id in &sent {
        let shown = ok(&server, "ann", &["message", "show", id, "--wait", "20s"]);
        assert_eq!(shown["recipients"][0]["stage"], "done", "{shown}");
    }
}

#[test]
fn a_token_that_takes_no_messages_is_noticed_at_once() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let mut command = server.client_command("ann");
    command.env("BRIDGE_TOKEN", server.token_for("ann", "room"));
    let refused = super::run(command.args(["listen", "--json"]));
    assert_eq!(refused.code, Some(5), "{}", refused.err);
    let error: Value = serde_json::from_str(&refused.err).expect("JSON, too");
    assert_eq!(error["error"]["code"], "scope_missing", "{error}");
}

#[test]
fn watching_a_room_takes_no_mail() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["bob"]);
    said_well(&server, "bob", &["room", "create", "den"]);
    let id = send(&server, "ann", "bob", "for later");
    let tail = say(
        &server,
        "bob",
        &["room", "tail", "den", "--all", "--once-idle"],
    );
    assert_eq!(tail.code, Some(0), "{}", tail.err);
    assert_eq!(stages(&server, "ann", &id), ["stored"]);
}
