//! `agent-bridge ask`

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::interval;

use super::{Going, make_known, ok, said_well, say, send, stages};
use crate::support::binary::{Binary, folder};
use crate::support::within;

/// The question in somebody's mailbox, which is only looked at.
async fn question(server: &Binary, client: &str) -> String {
    let rest = server.rest(client);
    let found = async {
        let mut poll = interval(Duration::from_millis(20));
        loop {
            poll.tick().await;
            let inbox = rest.get("/v1/mailbox?peek=true").await.ok(200);
            if let Value::String(id) = &inbox["items"][0]["id"] {
                return id.clone();
            }
        }
    };
    within("the question", found).await
}

#[tokio::test]
async fn an_answer_is_printed_and_no_other_mail_is_taken() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["ann", "bob", "cem"]);
    let other = send(&server, "cem", "ann", "read me later");
    let mut command = server.client_command("ann");
    let asking = Going::start(command.args(["ask", "bob", "Is it done?", "--timeout", "30s"]));
    let asked = question(&server, "bob").await;
    said_well(&server, "bob", &["message", "ack", &asked, "seen"]);
    let reply = [
        "send",
        "ann",
        "Yes 字\u{1b}\nall of it",
        "--reply-to",
        &asked,
        "--kind",
        "response",
    ];
    let reply = said_well(&server, "bob", &reply);
    let (code, out) = asking.ended();
    assert_eq!((code, out.as_str()), (Some(0), "Yes 字␛\nall of it\n"));
    // The answer was never handed over; it was read by its id, and is done.
    assert_eq!(stages(&server, "bob", reply.trim_end()), ["stored", "done"]);
    assert_eq!(stages(&server, "cem", &other), ["stored"]);
    let inbox = ok(&server, "ann", &["inbox"]);
    assert_eq!(inbox["items"].as_array().map(Vec::len), Some(1), "{inbox}");
    let shown = ok(&server, "ann", &["message", "show", &asked]);
    let steps = shown["recipients"][0]["history"].as_array();
    let last = steps.and_then(|steps| steps.last()).expect("a step");
    assert_eq!(
        (&last["stage"], &last["reply"]),
        (&json!("done"), &json!(reply.trim_end()))
    );
}

#[tokio::test]
async fn a_payload_is_answered_by_a_payload() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["ann", "bob"]);
    let mut command = server.client_command("ann");
    let asking = Going::start(command.args(["ask", "bob", "--payload", "{\"q\":1}", "--json"]));
    let asked = question(&server, "bob").await;
    let reply = [
        "send",
        "ann",
        "--payload",
        "{\"a\":[2]}",
        "--reply-to",
        &asked,
    ];
    said_well(&server, "bob", &reply);
    let (code, out) = asking.ended();
    assert_eq!(code, Some(0), "{out}");
    let answer: Value = serde_json::from_str(&out).expect("one document");
    assert_eq!(
        (&answer["payload"], &answer["reply_to"], &answer["from"]),
        (&json!({"a": [2]}), &json!(asked), &json!("bob"))
    );
}

#[tokio::test]
async fn without_an_answer_it_says_how_far_the_question_came() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["ann", "bob"]);
    let late = say(
        &server,
        "ann",
        &["ask", "bob", "Anybody?", "--timeout", "1s"],
    );
    assert_eq!(
        (late.code, late.out.as_str()),
        (Some(4), ""),
        "{}",
        late.err
    );
    assert!(late.err.contains("has not come to get it"), "{}", late.err);
    let late = say(
        &server,
        "ann",
        &["ask", "bob", "Anybody?", "--timeout", "1s", "--json"],
    );
    let error: Value = serde_json::from_str(&late.err).expect("JSON, too");
    assert_eq!(
        (&error["error"]["code"], &error["exit"]),
        (&json!("no_reply"), &json!(4))
    );

    let mut command = server.client_command("ann");
    let asking = Going::start(command.args(["ask", "bob", "Is it done?", "--timeout", "30s"]));
    let asked = question(&server, "bob").await;
    said_well(&server, "bob", &["message", "ack", &asked, "done"]);
    let (code, out) = asking.ended();
    assert_eq!(
        (code, out.as_str()),
        (Some(1), ""),
        "finished, and no answer"
    );
}
