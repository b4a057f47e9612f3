//! `agent-bridge gate`

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::{Value, json};

use super::{den, propose, run, said_well, say};
use crate::support::binary::{Binary, Said, folder};
use crate::support::program;

fn gate(server: &Binary, client: &str, id: &str) -> Said {
    say(server, client, &["gate", "--decision", id])
}

#[track_caller]
fn vote(server: &Binary, client: &str, id: &str, ballot: &[&str]) {
    said_well(
        server,
        client,
        &[&["decision", "vote", id], ballot].concat(),
    );
}

/// A gate that waits. Dropping it kills it.
struct Waiting {
    child: Child,
    err: BufReader<ChildStderr>,
}

impl Waiting {
    /// Comes back when it has seen that the decision is open.
    fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program can be run");
        let err = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut waiting = Self { child, err };
        let mut line = String::new();
        waiting.err.read_line(&mut line).expect("UTF-8");
        assert!(line.contains(" is open; waiting for "), "{line}");
        waiting
    }

    fn on(server: &Binary, client: &str, id: &str, wait: &str) -> Self {
        let mut command = server.client_command(client);
        Self::start(command.args(["gate", "--decision", id, "--wait", wait]))
    }

    fn ended(mut self) -> Said {
        let (mut out, mut err) = (String::new(), String::new());
        let mut pipe = self.child.stdout.take().expect("it is piped");
        pipe.read_to_string(&mut out).expect("UTF-8");
        self.err.read_to_string(&mut err).expect("UTF-8");
        let code = self.child.wait().expect("it was ours").code();
        Said { code, out, err }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn every_end_has_its_exit_code() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob", "cem"]);
    said_well(
        &server,
        "ann",
        &["room", "policy", "den", "--veto-client", "cem"],
    );
    said_well(
        &server,
        "ann",
        &["room", "policy", "den", "--veto-window", "0"],
    );

    let approved = propose(&server, "ann", &["x"]);
    vote(&server, "ann", &approved, &["approve"]);
    let open = gate(&server, "bob", &approved);
    assert_eq!(open.code, Some(2), "{}", open.err);
    assert!(
        open.out.contains("version 1 is open\n") && open.out.contains("not voted: bob, cem\n"),
        "{}",
        open.out
    );
    vote(&server, "bob", &approved, &["approve"]);
    let passed = gate(&server, "cem", &approved);
    assert_eq!(passed.code, Some(0), "{}", passed.err);
    let expected = format!(
        "{approved} version 1 is approved\n\
         sha256 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n\
         2 approve · 0 reject · 0 abstain · 1 outstanding (in weight 3 · 0 · 0 · 1)\n\
         not voted: cem\n"
    );
    assert_eq!(passed.out, expected);

    let rejected = propose(&server, "ann", &["x", "--vote-type", "consensus"]);
    vote(&server, "ann", &rejected, &["reject"]);
    let vetoed = propose(&server, "ann", &["x"]);
    vote(&server, "cem", &vetoed, &["veto", "--reason", "no"]);
    let superseded = propose(&server, "ann", &["x"]);
    let rival = propose(&server, "ann", &["y", "--alternative-to", &superseded]);
    for client in ["ann", "bob"] {
        vote(&server, client, &rival, &["approve"]);
    }
    let withdrawn = propose(&server, "ann", &["x"]);
    said_well(&server, "ann", &["decision", "withdraw", &withdrawn]);
    for (id, state) in [
        (rejected, "rejected"),
        (vetoed, "vetoed"),
        (superseded, "superseded"),
        (withdrawn, "withdrawn"),
    ] {
        let ended = say(
            &server,
            "bob",
            &["gate", "--decision", &id, "--wait", "60", "--json"],
        );
        assert_eq!(ended.code, Some(1), "{state}: {}", ended.err);
        let told: Value = serde_json::from_str(&ended.out).expect("one document");
        assert_eq!((&told["state"], &told["exit"]), (&json!(state), &json!(1)));
    }
    // Its time is over long before the gate's.
    let expired = propose(&server, "ann", &["x", "--deadline", "1"]);
    let ended = say(
        &server,
        "bob",
        &["gate", "--decision", &expired, "--wait", "60"],
    );
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(
        ended.out.contains("version 1 is expired\n"),
        "{}",
        ended.out
    );
}

#[tokio::test]
async fn what_cannot_be_told_is_no_verdict() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x"]);
    let nobody = "dec_00000000000000000000000000000001";
    let unknown = say(
        &server,
        "ann",
        &["gate", "--decision", nobody, "--wait", "60", "--json"],
    );
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(3), ""));
    let error: Value = serde_json::from_str(&unknown.err).expect("JSON");
    assert_eq!(
        (&error["exit"], &error["error"]["code"]),
        (&json!(3), &json!("decision_not_found"))
    );
    let stranger = gate(&server, "cem", &id);
    assert_eq!(stranger.code, Some(3), "{}", stranger.err);
    for wrong in [
        &["gate"][..],
        &["gate", "--decision", "x"],
        &["gate", "--decision", &id, "--wait", "soon"],
        &["gate", "--decision", &id, "--wait", "91d"],
        &["gate", "--decision", &id, "--patience"],
    ] {
        let said = say(&server, "ann", wrong);
        assert_eq!(said.code, Some(3), "{wrong:?}: {}", said.err);
    }
    assert_eq!(say(&server, "ann", &["gate", "--help"]).code, Some(0));
    assert_eq!(
        say(&server, "ann", &["gates"]).code,
        Some(2),
        "only the gate is special"
    );

    let mut command = program();
    let command = command.args(["gate", "--decision", &id]);
    command.env("BRIDGE_URL", format!("http://{}", server.addr));
    let no_token = run(command);
    assert_eq!(no_token.code, Some(3), "{}", no_token.err);
    let forged = run(command.env("BRIDGE_TOKEN", format!("{}x", server.token("ann"))));
    assert_eq!(forged.code, Some(3), "{}", forged.err);
    let mut waiting = server.client_command("ann");
    server.kill();
    let away = run(waiting.args(["gate", "--decision", &id, "--wait", "1"]));
    assert_eq!(
        (away.code, away.out.as_str()),
        (Some(3), ""),
        "{}",
        away.err
    );
}

#[tokio::test]
async fn a_gate_that_waits_is_woken_by_the_verdict() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x"]);
    let waiting = Waiting::on(&server, "ann", &id, "60");
    vote(&server, "ann", &id, &["approve"]);
    vote(&server, "bob", &id, &["approve"]);
    let ended = waiting.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended
            .out
            .contains("2 approve · 0 reject · 0 abstain · 0 outstanding"),
        "{}",
        ended.out
    );
}

#[tokio::test]
async fn a_gate_waits_over_a_restart_of_the_server() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x"]);
    vote(&server, "ann", &id, &["approve"]);
    let waiting = Waiting::on(&server, "ann", &id, "60");
    let addr = server.kill();
    let server = Binary::start(folder.path(), addr.port());
    vote(&server, "bob", &id, &["approve"]);
    let ended = waiting.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.err);

    // The next one does not see its server again.
    let id = propose(&server, "ann", &["y"]);
    let waiting = Waiting::on(&server, "ann", &id, "4");
    server.kill();
    let ended = waiting.ended();
    assert_eq!(ended.code, Some(2), "{}", ended.err);
    assert!(ended.out.contains("version 1 is open\n"), "{}", ended.out);
    assert!(
        ended.err.contains("when it was last seen: "),
        "{}",
        ended.err
    );
}

#[tokio::test]
async fn whoever_may_not_look_any_more_cannot_tell() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x", "--vote-type", "consensus"]);
    let waiting = Waiting::on(&server, "bob", &id, "60");
    said_well(&server, "ann", &["room", "remove", "den", "bob"]);
    let ended = waiting.ended();
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(3), ""),
        "{}",
        ended.err
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_gate_that_waits_ends_by_ctrl_c() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    den(&server, &["ann", "bob"]);
    let id = propose(&server, "ann", &["x"]);
    let waiting = Waiting::on(&server, "ann", &id, "60");
    let pid = waiting.child.id().to_string();
    let asked = Command::new("kill").args(["-INT", &pid]).status();
    assert!(asked.expect("there is a kill command").success());
    let ended = waiting.ended();
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(130), ""),
        "{}",
        ended.err
    );
}
