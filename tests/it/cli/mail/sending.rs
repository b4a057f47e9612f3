//! `agent-bridge send`, `inbox`, `message` and `dead-letters`

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::{make_known, ok, said_well, say, send, stages};
use crate::support::binary::{Binary, folder, said};

#[test]
fn a_message_waits_is_confirmed_and_its_sender_can_follow_it() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["bob"]);
    let first = ok(
        &server,
        "ann",
        &["send", "bob", "hi 字\nthere", "--key", "k"],
    );
    let id = first["id"].as_str().expect("an id");
    let again = ok(
        &server,
        "ann",
        &["send", "bob", "hi 字\nthere", "--key", "k"],
    );
    assert_eq!(
        (&again["id"], &again["duplicate"]),
        (&json!(id), &json!(true))
    );
    let urgent = [
        "send",
        "bob",
        "--payload",
        "{\"task\":7}",
        "--priority",
        "3",
    ];
    let urgent = said_well(&server, "ann", &urgent);
    let urgent = urgent.trim_end();

    // Looking takes nothing, and the urgent one comes first.
    for _ in 0..2 {
        let inbox = ok(&server, "bob", &["inbox"]);
        let ids: Vec<_> = inbox["items"].as_array().expect("items").iter().collect();
        assert_eq!(ids.len(), 2, "{inbox}");
        assert_eq!(
            (&ids[0]["id"], &ids[0]["payload"]),
            (&json!(urgent), &json!({"task": 7}))
        );
        assert_eq!(
            (&ids[1]["id"], &ids[1]["text"]),
            (&json!(id), &json!("hi 字\nthere"))
        );
    }
    assert_eq!(stages(&server, "ann", id), ["stored"]);
    let table = said_well(&server, "bob", &["inbox", "--limit", "2"]);
    for part in ["PRIORITY", "ann", id, "hi 字 …", "{\"task\":7}"] {
        assert!(table.contains(part), "without {part:?}: {table}");
    }

    said_well(&server, "bob", &["message", "ack", urgent, "done"]);
    said_well(&server, "bob", &["inbox", "--ack", "seen"]);
    let inbox = ok(&server, "bob", &["inbox"]);
    assert_eq!(inbox["items"], json!([]));
    assert_eq!(stages(&server, "ann", id), ["stored", "seen"]);
    let shown = ok(
        &server,
        "ann",
        &["message", "show", urgent, "--wait", "20s"],
    );
    assert_eq!(shown["recipients"][0]["stage"], "done");
    let shown = said_well(&server, "ann", &["message", "show", urgent]);
    for part in ["ann → bob", "priority 3", "bob  done", "stored"] {
        assert!(shown.contains(part), "without {part:?}: {shown}");
    }
}

#[test]
fn a_message_may_come_from_a_pipe_or_a_file() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["bob"]);
    let file = folder.path().join("payload.json");
    std::fs::write(&file, "{\n  \"n\": [1, 2]\n}\n").expect("a writable folder");
    let payload = format!("@{}", file.display());
    send_payload(&server, &payload);
    let mut command = server.client_command("ann");
    command
        .args(["send", "bob,ann", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all("line one\nline two 字\n".as_bytes())
        .expect("it is read");
    drop(stdin);
    let sent = said(child.wait_with_output().expect("it ends"));
    assert_eq!(sent.code, Some(0), "{}", sent.err);
    let inbox = ok(&server, "bob", &["inbox"]);
    assert_eq!(inbox["items"][0]["payload"], json!({"n": [1, 2]}));
    assert_eq!(inbox["items"][1]["text"], "line one\nline two 字");
    assert_eq!(inbox["items"][1]["to"], json!(["bob", "ann"]));
}

fn send_payload(server: &Binary, payload: &str) {
    said_well(server, "ann", &["send", "bob", "--payload", payload]);
}

#[test]
fn what_is_given_up_is_listed_with_every_reason() {
    let folder = folder();
    let server = Binary::start_with(folder.path(), 0, |command| {
        command.env("AGENT_BRIDGE__MESSAGES__ATTEMPTS", "1");
    });
    make_known(&server, &["bob", "cem"]);
    let id = send(&server, "ann", "bob", "do it");
    let listen = ["listen", "--count", "1", "--json"];
    said_well(&server, "bob", &listen);
    // It was cut off without a word, and that was its only attempt.
    let shown = ok(&server, "ann", &["message", "show", &id, "--wait", "20s"]);
    assert_eq!(shown["recipients"][0]["stage"], "dead", "{shown}");
    for client in ["ann", "bob"] {
        let letters = ok(&server, client, &["dead-letters"]);
        assert_eq!(letters["items"][0]["id"], json!(id), "{letters}");
        let reason = &letters["items"][0]["failures"][0]["reason"];
        assert_eq!(reason, "connection_lost", "{letters}");
    }
    let text = said_well(&server, "ann", &["dead-letters"]);
    assert!(text.contains("ann → bob") && text.contains("1  "), "{text}");
    assert_eq!(ok(&server, "cem", &["dead-letters"])["items"], json!([]));
    let refused = say(&server, "cem", &["dead-letters", "--all"]);
    assert_eq!(refused.code, Some(5), "{}", refused.err);
    let admin = server.token_for("root", "admin");
    let mut command = server.client_command("root");
    command.env("BRIDGE_TOKEN", admin);
    let all = super::run(command.args(["dead-letters", "--all", "--json"]));
    assert!(all.out.contains(&id), "{} {}", all.out, all.err);
}

#[test]
fn a_failure_is_told_to_the_sender_with_its_reason() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["bob"]);
    let id = send(&server, "ann", "bob", "do it");
    let failed = ["message", "ack", &id, "failed", "--reason", "no\u{1b}tool"];
    said_well(&server, "bob", &failed);
    let shown = said_well(&server, "ann", &["message", "show", &id]);
    assert!(shown.contains("it failed: no␛tool"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    said_well(&server, "bob", &["message", "ack", &id, "done"]);
    let back = say(&server, "bob", &["message", "ack", &id, "seen"]);
    assert_eq!(back.code, Some(1), "{}", back.err);
    assert!(back.err.contains("1303 stage_backwards"), "{}", back.err);
}

#[test]
fn exit_codes_say_what_went_wrong() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    make_known(&server, &["robert"]);
    const NO_MESSAGE: &str = "msg_00000000000000000000000000000001";
    for (args, code, names) in [
        (&["send", "rovert", "x"][..], 1, "robert"),
        (&["send", "all", "x"], 5, "broadcast"),
        (
            &["message", "show", NO_MESSAGE],
            1,
            "1302 message_not_found",
        ),
        (
            &["message", "ack", NO_MESSAGE, "done"],
            1,
            "1302 message_not_found",
        ),
        (&["send", "robert,all", "x"], 2, "stands alone"),
        (&["send", "robert", "x", "--payload", "1"], 2, "--payload"),
        (&["send", "robert", "--payload", "{"], 2, "must be JSON"),
        (
            &["send", "robert", "x", "--priority", "4"],
            2,
            "from 0 to 3",
        ),
        (&["send", "robert", "x", "--ttl", "31d"], 2, "30d"),
        (
            &["send", "robert", "x", "--deadline", "1m"],
            2,
            "--expects-reply",
        ),
        (&["send", "robert", "  "], 2, "empty"),
        (&["ask", "robert,ann", "x"], 2, "one client"),
        (&["ask", "all", "x"], 2, "one client"),
        (&["message", "show", "msg_7"], 2, "msg_7"),
        (&["listen", "--ack", "failed"], 2, "--ack"),
    ] {
        let refused = say(&server, "ann", args);
        assert_eq!(refused.code, Some(code), "{args:?}: {}", refused.err);
        assert!(
            refused.err.contains(names) && refused.out.is_empty(),
            "{args:?}: {}",
            refused.err
        );
    }
    // Kept for who is to come.
    let kept = said_well(&server, "ann", &["send", "newcomer", "welcome", "--keep"]);
    let inbox = ok(&server, "newcomer", &["inbox"]);
    assert_eq!(inbox["items"][0]["id"], kept.trim_end());
}
