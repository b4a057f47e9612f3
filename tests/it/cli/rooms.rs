//! `agent-bridge room`

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::run;
use crate::support::binary::{Binary, Said, folder, said};
use crate::support::program;

fn ok(server: &Binary, client: &str, args: &[&str]) -> Value {
    let done = said(server.room(client, &[args, &["--json"]].concat()));
    assert_eq!(done.code, Some(0), "{args:?}: {}", done.err);
    serde_json::from_str(&done.out).unwrap_or_else(|why| panic!("{args:?} ({why}): {}", done.out))
}

fn lines(said: &Said) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).expect("a JSON object in each line");
    said.out.lines().map(line).collect()
}

#[tokio::test]
async fn a_room_is_used_from_the_command_line() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let created = ok(&server, "ann", &["create", "den", "--topic", "Tigers 🐯"]);
    assert_eq!(
        (&created["room"], &created["topic"]),
        (&json!("den"), &json!("Tigers 🐯"))
    );
    let joined = ok(&server, "bob", &["join", "den", "--role", "coder"]);
    assert_eq!(joined["members_total"], 2);
    ok(&server, "ann", &["channel", "den", "tests"]);
    let posted = ok(&server, "ann", &["post", "den", "hi @bob 字", "--key", "k"]);
    assert_eq!(
        (&posted["text"], &posted["mentions"]),
        (&json!("hi @bob 字"), &json!(["bob"]))
    );
    let repeat = ok(&server, "ann", &["post", "den", "hi @bob 字", "--key", "k"]);
    assert_eq!(
        (&repeat["duplicate"], &repeat["id"]),
        (&json!(true), &posted["id"])
    );
    let metadata = [
        "--channel",
        "tests",
        "--metadata",
        "{\"n\":1}",
        "--reply-to",
        "5",
    ];
    let reply = ok(
        &server,
        "bob",
        &[&["post", "den", "yes"], &metadata[..]].concat(),
    );
    assert_eq!(
        (&reply["reply_to"], &reply["metadata"]),
        (&posted["id"], &json!({"n": 1}))
    );
    for asked in ["5", reply["id"].as_str().expect("an id")] {
        let thread = ok(&server, "ann", &["thread", "den", asked]);
        let depths: Vec<_> = (0..2).map(|n| &thread["items"][n]["depth"]).collect();
        assert_eq!(depths, [&json!(0), &json!(1)], "{thread}");
        assert_eq!(thread["items"][1]["id"], reply["id"]);
    }
    let shown = ok(&server, "bob", &["show", "den"]);
    assert_eq!((&shown["head"], &shown["posts"]), (&json!(6), &json!(2)));
    let listed = ok(&server, "cem", &["list"]);
    assert!(listed.to_string().contains("\"den\""), "{listed}");
    let history = ok(&server, "bob", &["history", "den", "--channel", "tests"]);
    assert_eq!(history["items"][0]["text"], "yes");

    let tail = said(server.room("bob", &["tail", "den", "--all", "--once-idle", "--json"]));
    assert_eq!(tail.code, Some(0), "{}", tail.err);
    let told = lines(&tail);
    assert_eq!(
        (&told[0]["type"], &told[0]["complete"]),
        (&json!("resumed"), &json!(true))
    );
    let events: Vec<_> = told
        .into_iter()
        .filter(|line| line["type"] == "event")
        .collect();
    assert_eq!(events, server.rest("bob").events("den", 0).await);
}

#[tokio::test]
async fn people_are_shown_the_same_in_words() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    ok(&server, "ann", &["create", "den", "--topic", "Tigers"]);
    ok(&server, "ann", &["post", "den", "good morning"]);
    for (args, shows) in [
        (
            &["show", "den"][..],
            &["den", "Tigers", "ann", "coordinator", "main"][..],
        ),
        (&["list"], &["den", "Tigers"]),
        (&["history", "den"], &["ann", "good morning", "#3"]),
        (
            &["tail", "den", "--all", "--once-idle"],
            &["created", "joined", "good morning"],
        ),
    ] {
        let shown = said(server.room("ann", args));
        assert_eq!(shown.code, Some(0), "{args:?}: {}", shown.err);
        for text in shows {
            assert!(
                shown.out.contains(text),
                "{args:?} without {text:?}: {}",
                shown.out
            );
        }
        assert!(
            !shown.out.contains('\u{1b}'),
            "no colours in a pipe: {:?}",
            shown.out
        );
    }
}

#[tokio::test]
async fn a_message_may_come_from_a_pipe() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    ok(&server, "ann", &["create", "den"]);
    let mut command = server.room_command("ann");
    command
        .args(["post", "den", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("the program can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all("line one\nline two 字\n".as_bytes())
        .expect("it is read");
    drop(stdin);
    let posted = said(child.wait_with_output().expect("it ends"));
    let posted: Value = serde_json::from_str(&posted.out).expect("an event");
    assert_eq!(posted["text"], "line one\nline two 字");
}

#[tokio::test]
async fn exit_codes_say_what_went_wrong() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    ok(
        &server,
        "ann",
        &["create", "den", "--visibility", "private"],
    );
    for (client, args, code, names) in [
        ("ann", &["create", "den"][..], 1, "den"),
        ("bob", &["join", "den"], 1, "den"),
        ("ann", &["post", "den", "x", "--channel", "no"], 1, "no"),
        ("ann", &["post", "d e n", "x"], 2, "A-Z a-z 0-9"),
        ("ann", &["post"], 2, "Usage"),
        ("ann", &["nonsense"], 2, "nonsense"),
        (
            "ann",
            &["post", "den", "x", "--metadata", "[1]"],
            2,
            "--metadata",
        ),
    ] {
        let refused = said(server.room(client, args));
        assert_eq!(refused.code, Some(code), "{args:?}: {}", refused.err);
        assert!(
            refused.err.contains(names) && refused.out.is_empty(),
            "{args:?}: {}",
            refused.err
        );
    }
    let url = format!("http://{}", server.addr);
    let no_token = run(program().args(["room", "list", "--url", &url]));
    assert_eq!(no_token.code, Some(5), "{}", no_token.err);
    assert!(no_token.err.contains("token create"), "{}", no_token.err);
    let garbage = run(program().args(["room", "list", "--url", &url, "--token", "garbage"]));
    assert_eq!(garbage.code, Some(5), "{}", garbage.err);
    let foreign = Binary::start(&folder.path().join("other"), 0).token("ann");
    let refused = run(program().args(["room", "list", "--url", &url, "--token", &foreign]));
    assert_eq!(refused.code, Some(5), "{}", refused.err);
    assert!(!refused.err.contains(&foreign), "a token is not shown");
    let token = server.token("ann");
    let addr = server.kill();
    let url = format!("http://{addr}");
    let gone = run(program().args(["room", "list", "--url", &url, "--token", &token]));
    assert_eq!(gone.code, Some(3), "{}", gone.err);
    assert!(gone.err.contains(&addr.to_string()), "{}", gone.err);
}
