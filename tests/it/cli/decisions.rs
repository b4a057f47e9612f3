//! `agent-bridge decision` and `agent-bridge room policy`

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{den, ok, propose, said_well, say};
use crate::support::binary::{Binary, Said, folder, said};
use crate::support::program;

/// `agent-bridge decision …`, in words with spaces between them and then as they are.
fn decide(server: &Binary, client: &str, words: &str, more: &[&str]) -> Said {
    let words: Vec<_> = words.split(' ').collect();
    say(server, client, &[&["decision"], &words[..], more].concat())
}

/// What it says when it must work.
#[track_caller]
fn decided(server: &Binary, client: &str, words: &str, more: &[&str]) -> String {
    let said = decide(server, client, words, more);
    assert_eq!(said.code, Some(0), "{words}: {}", said.err);
    said.out
}

/// The JSON that it answers with when it must work.
#[track_caller]
fn answer(server: &Binary, client: &str, words: &str, more: &[&str]) -> Value {
    let out = decided(server, client, words, &[more, &["--json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|why| panic!("{words} ({why}): {out}"))
}

#[tokio::test]
async fn a_decision_is_made_from_the_command_line() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob", "cem"]);
    let consensus = ["Use it 字", "--vote-type", "consensus", "--deadline", "2h"];
    let id = propose(&server, "ann", &consensus);
    let listed = answer(&server, "bob", "list den --state open", &[]);
    assert_eq!(listed["items"][0]["decision"], json!(id));
    let none = decided(&server, "bob", "list den --state vetoed", &[]);
    assert!(none.contains("no such decision"), "{none}");

    let critique = is_debated(&server, &id);
    is_amended(&server, &id);
    shows_everything(&server, &id, &critique);

    let alone = decided(
        &server,
        "ann",
        &format!("waive {critique} --decision {id}"),
        &[],
    );
    assert!(alone.starts_with("you waive "), "{alone}");
    let met = format!("resolve {critique} --room den");
    let met = answer(&server, "cem", &met, &["Bob does"]);
    let facts = (&met["kind"], &met["text"]);
    assert_eq!(facts, (&json!("resolved"), &json!("Bob does")));
    for client in ["ann", "bob"] {
        decided(&server, client, &format!("vote {id} approve"), &[]);
    }
    let last = decided(
        &server,
        "cem",
        &format!("vote {id} approve --version 2"),
        &[],
    );
    let expected = format!("voted approve on version 2; {id} is approved\n");
    assert!(last.starts_with(&expected), "{last}");
    let tail = ["room", "tail", "den", "--all", "--once-idle"];
    let told = said_well(&server, "bob", &tail);
    let verdict = format!("→ version 2 of {id} is approved: 3 approve");
    assert!(told.contains(&verdict), "{told}");
}

/// Somebody votes, somebody speaks for it, and somebody holds it back. Returns the critique.
fn is_debated(server: &Binary, id: &str) -> String {
    let vote = format!("vote {id} approve --reason");
    let voted = answer(server, "bob", &vote, &["why not"]);
    assert_eq!(voted["tally"]["approve"], 1);
    let argue = format!("argue {id} for --evidence https://a.example --evidence fil_1");
    let spoke = answer(server, "bob", &argue, &["It is cheap"]);
    let evidence = json!(["https://a.example", "fil_1"]);
    assert_eq!(
        (&spoke["side"], &spoke["evidence"]),
        (&json!("for"), &evidence)
    );
    let critique = format!("critique {id} blocking");
    let held = answer(server, "cem", &critique, &["Who makes the backups?"]);
    held["critique"].as_str().expect("an id").to_owned()
}

/// Two of three want another text.
fn is_amended(server: &Binary, id: &str) {
    let amended = answer(
        server,
        "cem",
        &format!("amend {id}"),
        &["Use it, with backups"],
    );
    let numbers = (&amended["amendment"], &amended["version"]);
    assert_eq!(numbers, (&json!(1), &json!(1)));
    let adopt = format!("adopt {id} 1");
    let no = decided(server, "bob", &adopt, &["--reject"]);
    assert!(no.starts_with("said no to the amendment 1; "), "{no}");
    let yes = decided(server, "ann", &adopt, &[]);
    assert!(yes.starts_with("said yes to the amendment 1; "), "{yes}");
    let adopted = decided(server, "cem", &adopt, &[]);
    let expected = "adopted the amendment 1: the text is version 2 now; ";
    assert!(adopted.starts_with(expected), "{adopted}");
}

/// The page of a decision on which something of every kind has been said.
#[track_caller]
fn shows_everything(server: &Binary, id: &str, critique: &str) {
    let page = said_well(server, "ann", &["decision", "show", id]);
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

/// Who says what, how it ends, and what stands in the error. `DEC` is an open decision, `NIL` one that
/// is none, `CRIT` a critique and `MSG` a message that are none.
const WRONG: &[(&str, &str, i32, &str)] = &[
    ("ann", "show NIL", 1, "decision_not_found"),
    ("dan", "show DEC", 1, "decision_not_found"),
    ("ann", "show dec_1", 2, "must be an id such as dec_"),
    ("ann", "vote NIL approve", 1, "decision_not_found"),
    ("ann", "vote DEC yes", 2, "approve, reject, abstain, veto"),
    ("ann", "vote DEC approve --version 0", 1, "stale_version"),
    ("ann", "vote DEC veto --reason x", 1, "no_veto_power"),
    ("cem", "vote DEC approve", 1, "not_in_electorate"),
    ("ann", "propose den ", 2, "the text must not be empty"),
    ("ann", "propose den x --file y", 2, "cannot be used with"),
    (
        "ann",
        "propose den --file /no/such/file",
        2,
        "/no/such/file",
    ),
    ("ann", "propose den x --vote-type unanimous", 2, "consensus"),
    ("ann", "propose den x --quorum 2", 1, "quorum: belongs to"),
    ("ann", "propose den x --deadline 0", 2, "a second at least"),
    (
        "ann",
        "propose den x --deadline 91d",
        2,
        "at most 7776000 seconds",
    ),
    ("ann", "propose den x --channel nil", 1, "channel_not_found"),
    ("ann", "propose nil x", 1, "room_not_found"),
    ("dan", "propose den x", 1, "not_a_member"),
    ("ann", "list nil", 1, "room_not_found"),
    ("ann", "list den --state lost", 2, "superseded"),
    ("ann", "amend DEC x", 1, "must differ"),
    ("ann", "adopt DEC 1", 1, "amendment_not_found"),
    ("ann", "adopt DEC x", 2, "invalid value 'x'"),
    ("ann", "argue DEC maybe x", 2, "against"),
    ("ann", "critique DEC fatal x", 2, "suggestion"),
    ("ann", "critique MSG minor x", 2, "--room says in which"),
    (
        "ann",
        "critique MSG minor x --room den",
        1,
        "message_not_found",
    ),
    ("cem", "critique DEC blocking x", 1, "not_in_electorate"),
    (
        "ann",
        "resolve CRIT",
        2,
        "--room <ROOM>|--decision <DECISION>",
    ),
    ("ann", "resolve CRIT --room den", 1, "critique_not_found"),
    ("ann", "waive CRIT --decision NIL", 1, "decision_not_found"),
    ("bob", "withdraw DEC", 5, "only who proposed"),
];

#[tokio::test]
async fn what_is_wrong_is_told() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x"]);
    said_well(&server, "cem", &["room", "join", "den"]);
    let none = "00000000000000000000000000000001";
    for (client, words, code, part) in WRONG {
        let words = words
            .replace("DEC", &id)
            .replace("NIL", &format!("dec_{none}"));
        let words = words.replace("CRIT", &format!("crit_{none}"));
        let words = words.replace("MSG", &format!("msg_{none}"));
        let said = decide(&server, client, &words, &[]);
        assert_eq!(said.code, Some(*code), "{words}: {}", said.err);
        assert!(said.err.contains(part), "{words}: {}", said.err);
    }
    let addr = server.kill();
    let mut nobody = program();
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.x";
    nobody.env("BRIDGE_URL", format!("http://{addr}"));
    nobody.env("BRIDGE_TOKEN", token);
    let said = super::run(nobody.args(["decision", "show", &id, "--json"]));
    assert_eq!(said.code, Some(3), "{}", said.err);
    let error: Value = serde_json::from_str(&said.err).expect("JSON");
    let facts = (&error["exit"], &error["error"]["temporary"]);
    assert_eq!(facts, (&json!(3), &json!(true)));
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
