//! `agent-bridge decision` and `agent-bridge room policy`

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{den, ok, propose, said_well, say};
use crate::support::binary::{Binary, folder, said};
use crate::support::program;

const NOBODY: &str = "dec_00000000000000000000000000000001";

#[tokio::test]
async fn a_decision_is_made_from_the_command_line() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob", "cem"]);
    let id = propose(
        &server,
        "ann",
        &["Use it 字", "--vote-type", "consensus", "--deadline", "2h"],
    );

    let listed = ok(
        &server,
        "bob",
        &["decision", "list", "den", "--state", "open"],
    );
    assert_eq!(listed["items"][0]["decision"], json!(id));
    let none = said_well(
        &server,
        "bob",
        &["decision", "list", "den", "--state", "vetoed"],
    );
    assert!(none.contains("no such decision"), "{none}");

    let voted = ok(
        &server,
        "bob",
        &["decision", "vote", &id, "approve", "--reason", "why not"],
    );
    assert_eq!(voted["tally"]["approve"], 1);
    let spoke = [
        "decision",
        "argue",
        &id,
        "for",
        "It is cheap",
        "--evidence",
        "https://a.example",
    ];
    let spoke = ok(
        &server,
        "bob",
        &[&spoke[..], &["--evidence", "fil_1"]].concat(),
    );
    assert_eq!(
        (&spoke["side"], &spoke["evidence"]),
        (&json!("for"), &json!(["https://a.example", "fil_1"]))
    );
    let held = ok(
        &server,
        "cem",
        &[
            "decision",
            "critique",
            &id,
            "blocking",
            "Who makes the backups?",
        ],
    );
    let critique = held["critique"].as_str().expect("an id");

    let amended = ok(
        &server,
        "cem",
        &["decision", "amend", &id, "Use it, with backups"],
    );
    assert_eq!(
        (&amended["amendment"], &amended["version"]),
        (&json!(1), &json!(1))
    );
    let no = said_well(&server, "bob", &["decision", "adopt", &id, "1", "--reject"]);
    assert!(no.starts_with("said no to the amendment 1; "), "{no}");
    ok(&server, "ann", &["decision", "adopt", &id, "1"]);
    let adopted = said_well(&server, "cem", &["decision", "adopt", &id, "1"]);
    assert!(
        adopted.starts_with("adopted the amendment 1: the text is version 2 now; "),
        "{adopted}"
    );

    let page = said_well(&server, "ann", &["decision", "show", &id]);
    for part in [
        "open  version 2\n",
        "takes consensus",
        "│ Use it, with backups\n",
        "0 approve · 0 reject · 0 abstain · 3 outstanding",
        &format!("held back by a blocking critique: {critique}\n"),
        "cem    1       25 %         not yet\n",
        "amendment 1 of version 1, by cem: adopted · for it: ann, cem · against it: bob\n",
        "by cem: open\n│ Who makes the backups?\n",
        "for it, by bob · 2 pieces of evidence\n│ It is cheap\n- https://a.example\n- fil_1\n",
    ] {
        assert!(page.contains(part), "without {part:?}: {page}");
    }

    let alone = said_well(
        &server,
        "ann",
        &["decision", "waive", critique, "--decision", &id],
    );
    assert!(alone.starts_with("you waive "), "{alone}");
    let met = ok(
        &server,
        "cem",
        &["decision", "resolve", critique, "Bob does", "--room", "den"],
    );
    assert_eq!(
        (&met["kind"], &met["text"]),
        (&json!("resolved"), &json!("Bob does"))
    );
    for client in ["ann", "bob"] {
        ok(&server, client, &["decision", "vote", &id, "approve"]);
    }
    let last = said_well(
        &server,
        "cem",
        &["decision", "vote", &id, "approve", "--version", "2"],
    );
    assert!(
        last.starts_with(&format!("voted approve on version 2; {id} is approved\n")),
        "{last}"
    );
    let told = said_well(
        &server,
        "bob",
        &["room", "tail", "den", "--all", "--once-idle"],
    );
    assert!(
        told.contains(&format!("→ version 2 of {id} is approved: 3 approve")),
        "{told}"
    );
}

#[tokio::test]
async fn a_motion_is_taken_back_a_message_criticised_and_a_critique_waived() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x", "--exclude-proposer", "--key", "k"]);
    assert_eq!(
        propose(&server, "ann", &["x", "--exclude-proposer", "--key", "k"]),
        id
    );
    let rival = propose(
        &server,
        "bob",
        &[
            "y",
            "--alternative-to",
            &id,
            "--vote-type",
            "quorum",
            "--quorum",
            "2",
        ],
    );
    let shown = ok(&server, "ann", &["decision", "show", &rival]);
    assert_eq!(
        (&shown["alternative_to"], &shown["quorum"]),
        (&json!(id), &json!(2))
    );
    said_well(&server, "ann", &["decision", "withdraw", &id]);
    let shown = ok(&server, "ann", &["decision", "show", &id]);
    assert_eq!(
        (&shown["state"], &shown["electorate"][1]),
        (&json!("withdrawn"), &Value::Null)
    );

    let posted = ok(&server, "ann", &["room", "post", "den", "Look at this"]);
    let message = posted["id"].as_str().expect("an id");
    let critique = [
        "decision",
        "critique",
        message,
        "minor",
        "A typing error",
        "--room",
        "den",
    ];
    let made = ok(&server, "bob", &critique);
    assert_eq!(made["target"], json!(message));
    let critique = made["critique"].as_str().expect("an id");
    let waived = said_well(
        &server,
        "ann",
        &["decision", "waive", critique, "Never mind", "--room", "den"],
    );
    assert_eq!(waived, format!("{critique} is waived\n"));
}

#[tokio::test]
async fn a_ballot_is_on_the_text_that_was_read() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob", "cem"]);
    let id = propose(&server, "ann", &["one\n\u{1b}two"]);
    ok(
        &server,
        "ann",
        &["decision", "amend", &id, "three", "--version", "1"],
    );
    ok(&server, "ann", &["decision", "adopt", &id, "1"]);
    // Whoever has read the first text has not agreed to the second one.
    let stale = say(
        &server,
        "bob",
        &["decision", "vote", &id, "approve", "--version", "1"],
    );
    assert_eq!((stale.code, stale.out.as_str()), (Some(1), ""));
    assert!(
        stale.err.contains("its version is 2, and you named 1"),
        "{}",
        stale.err
    );
    let stale = say(
        &server,
        "bob",
        &["decision", "amend", &id, "four", "--version", "1"],
    );
    assert_eq!(stale.code, Some(1), "{}", stale.err);

    let hash = hex_of("three");
    let voted = said_well(&server, "bob", &["decision", "vote", &id, "reject"]);
    let printed = format!("version 2 of {id}, sha256 {hash}\n│ three\nvoted reject on version 2; ");
    assert!(voted.starts_with(&printed), "{voted}");
    let voted = say(
        &server,
        "bob",
        &["decision", "vote", &id, "abstain", "--json"],
    );
    let answer: Value = serde_json::from_str(&voted.out).expect("one document");
    assert_eq!(
        (&answer["version"], &answer["text"]),
        (&json!(2), &json!("three"))
    );
    assert_eq!(
        voted.err,
        format!("voting on version 2 of {id}, sha256 {hash}\n")
    );
}

#[tokio::test]
async fn texts_come_from_files_and_pipes() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let plan = folder.path().join("plan.md");
    std::fs::write(&plan, "# Plan 字\n\nDo it.\n").expect("it can be written");
    let plan = plan.display().to_string();
    let id = propose(&server, "ann", &["--file", &plan]);
    let shown = ok(&server, "ann", &["decision", "show", &id]);
    assert_eq!(shown["text"], "# Plan 字\n\nDo it.\n");
    assert_eq!(shown["sha256"], json!(hex_of("# Plan 字\n\nDo it.\n")));

    let mut command = server.client_command("bob");
    command.args(["decision", "argue", &id, "against", "-"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program can be run");
    let mut pipe = child.stdin.take().expect("it is piped");
    pipe.write_all("from a pipe\n".as_bytes())
        .expect("it reads");
    drop(pipe);
    let piped = said(child.wait_with_output().expect("it was ours"));
    assert_eq!(piped.out, format!("spoke against {id}\n"), "{}", piped.err);
    let shown = ok(&server, "ann", &["decision", "show", &id]);
    assert_eq!(shown["arguments"]["against"][0]["text"], "from a pipe");
}

#[tokio::test]
async fn what_is_wrong_is_told() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x"]);
    said_well(&server, "cem", &["room", "join", "den"]);
    let critique = "crit_00000000000000000000000000000001";
    let message = "msg_00000000000000000000000000000001";
    let table: &[(&str, &[&str], i32, &str)] = &[
        ("ann", &["show", NOBODY], 1, "decision_not_found"),
        ("dan", &["show", &id], 1, "decision_not_found"),
        ("ann", &["show", "dec_1"], 2, "must be an id such as dec_"),
        ("ann", &["vote", NOBODY, "approve"], 1, "decision_not_found"),
        (
            "ann",
            &["vote", &id, "yes"],
            2,
            "approve, reject, abstain, veto",
        ),
        (
            "ann",
            &["vote", &id, "approve", "--version", "0"],
            1,
            "stale_version",
        ),
        (
            "ann",
            &["vote", &id, "veto", "--reason", "x"],
            1,
            "no_veto_power",
        ),
        ("cem", &["vote", &id, "approve"], 1, "not_in_electorate"),
        (
            "ann",
            &["propose", "den", " "],
            2,
            "the text must not be empty",
        ),
        (
            "ann",
            &["propose", "den", "x", "--file", "y"],
            2,
            "cannot be used with",
        ),
        (
            "ann",
            &["propose", "den", "--file", "/no/such/file"],
            2,
            "/no/such/file",
        ),
        (
            "ann",
            &["propose", "den", "x", "--vote-type", "unanimous"],
            2,
            "consensus",
        ),
        (
            "ann",
            &["propose", "den", "x", "--quorum", "2"],
            1,
            "quorum: belongs to",
        ),
        (
            "ann",
            &["propose", "den", "x", "--deadline", "0"],
            2,
            "a second at least",
        ),
        (
            "ann",
            &["propose", "den", "x", "--deadline", "91d"],
            2,
            "at most 7776000 seconds",
        ),
        (
            "ann",
            &["propose", "den", "x", "--channel", "nil"],
            1,
            "channel_not_found",
        ),
        ("ann", &["propose", "nil", "x"], 1, "room_not_found"),
        ("dan", &["propose", "den", "x"], 1, "not_a_member"),
        ("ann", &["list", "nil"], 1, "room_not_found"),
        ("ann", &["list", "den", "--state", "lost"], 2, "superseded"),
        ("ann", &["amend", &id, "x"], 1, "must differ"),
        ("ann", &["adopt", &id, "1"], 1, "amendment_not_found"),
        ("ann", &["adopt", &id, "x"], 2, "invalid value 'x'"),
        ("ann", &["argue", &id, "maybe", "x"], 2, "against"),
        ("ann", &["critique", &id, "fatal", "x"], 2, "suggestion"),
        (
            "ann",
            &["critique", message, "minor", "x"],
            2,
            "--room says in which",
        ),
        (
            "ann",
            &["critique", message, "minor", "x", "--room", "den"],
            1,
            "message_not_found",
        ),
        (
            "cem",
            &["critique", &id, "blocking", "x"],
            1,
            "not_in_electorate",
        ),
        (
            "ann",
            &["resolve", critique],
            2,
            "--room <ROOM>|--decision <DECISION>",
        ),
        (
            "ann",
            &["resolve", critique, "--room", "den"],
            1,
            "critique_not_found",
        ),
        (
            "ann",
            &["waive", critique, "--decision", NOBODY],
            1,
            "decision_not_found",
        ),
        ("bob", &["withdraw", &id], 5, "only who proposed"),
    ];
    for (client, args, code, part) in table {
        let said = say(&server, client, &[&["decision"], *args].concat());
        assert_eq!(said.code, Some(*code), "{args:?}: {}", said.err);
        assert!(said.err.contains(part), "{args:?}: {}", said.err);
    }
    let addr = server.kill();
    let mut nobody = program();
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.x";
    nobody
        .env("BRIDGE_URL", format!("http://{addr}"))
        .env("BRIDGE_TOKEN", token);
    let said = super::run(nobody.args(["decision", "show", &id, "--json"]));
    assert_eq!(said.code, Some(3), "{}", said.err);
    let error: Value = serde_json::from_str(&said.err).expect("JSON");
    assert_eq!(
        (&error["exit"], &error["error"]["temporary"]),
        (&json!(3), &json!(true))
    );
}

#[tokio::test]
async fn a_policy_is_shown_and_changed() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let policy = ["room", "policy", "den"];
    let usual = said_well(&server, "bob", &policy);
    assert!(
        usual.contains("veto            every reviewer\nveto window     1m\n"),
        "{usual}"
    );
    let change = [
        "--propose",
        "coordinators",
        "--veto-role",
        "tester,coder",
        "--veto-client",
        "ann",
    ];
    let weights = [
        "--weight",
        "others=0.5",
        "--veto-window",
        "2h",
        "--visibility",
        "private",
    ];
    let changed = ok(&server, "ann", &[&policy[..], &change, &weights].concat());
    assert_eq!(
        changed["veto"],
        json!({"roles": ["tester", "coder"], "clients": ["ann"]})
    );
    assert_eq!(
        changed["weights"],
        json!({"coordinator": 2.0, "reviewer": 1.5, "others": 0.5})
    );
    let rest = (
        &changed["propose"],
        &changed["visibility"],
        &changed["veto_window_seconds"],
    );
    assert_eq!(
        rest,
        (&json!("coordinators"), &json!("private"), &json!(7_200))
    );
    let without = ok(&server, "ann", &[&policy[..], &["--no-veto"]].concat());
    assert_eq!(without["veto"], json!({"roles": [], "clients": []}));
    assert_eq!(
        without["propose"], "coordinators",
        "what is not named stays as it is"
    );

    let refused = say(&server, "bob", &[&policy[..], &["--no-veto"]].concat());
    assert_eq!(refused.code, Some(5), "{}", refused.err);
    assert!(
        refused.err.contains("only a coordinator"),
        "{}",
        refused.err
    );
    let refused = say(&server, "bob", &["decision", "propose", "den", "x"]);
    assert_eq!(refused.code, Some(5), "{}", refused.err);
    let wrong = say(
        &server,
        "ann",
        &[&policy[..], &["--weight", "tester=1"]].concat(),
    );
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
}

fn hex_of(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
