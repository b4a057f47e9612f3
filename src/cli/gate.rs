//! `agent-bridge gate`: a decision's verdict as an exit code.

use std::process::ExitCode;
use std::time::Duration;

use bridge_core::decision::State;
use bridge_core::ports::Clock;
use bridge_core::{DecisionId, limits};
use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::connection::{ConnectionArgs, until_interrupted};
use super::lasting;
use super::output::{Output, OutputArgs};
use super::show::{Paint, decision_outlook, names, state_word, visible};
use crate::client::error::Exit;
use crate::client::{Awaited, ClientError, DecisionFacts};
use crate::system::SystemClock;

/// `agent-bridge gate`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct GateArgs {
    /// The server, and who one is.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// In which form answers are shown.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Which decision
    #[arg(long, value_name = "DECISION")]
    pub decision: DecisionId,
    /// Wait for the verdict: seconds, or a number with s, m, h or d [default: do not]
    #[arg(long, value_name = "TIME", default_value = "0", hide_default_value = true,
        value_parser = seconds)]
    pub wait: u32,
}

const HELP: &str = "\
Examples:
  agent-bridge gate --decision DECISION && ./deploy
  agent-bridge gate --decision DECISION --wait 10m --json > verdict.json && ./deploy
  agent-bridge gate --decision DECISION --wait 600; case $? in 0) ./deploy;; 1) ./give-up;; esac

Exit codes: 0 approved · 1 rejected, vetoed, superseded or withdrawn · 2 open, also after --wait, or
expired · 3 it cannot be told: no such decision, no server, no permission, wrong usage · 130
interrupted

A server that is away while you wait is asked again until the time is over. Compare the SHA-256 with
that of the text that you are about to carry out.";

/// What a script may do. Scripts depend on the numbers; they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It was approved.
    Approved = 0,
    /// It will never be.
    Refused = 1,
    /// Nothing was decided.
    Undecided = 2,
    /// It cannot be told.
    Unknown = 3,
}

impl From<State> for Gate {
    fn from(state: State) -> Self {
        match state {
            State::Approved => Self::Approved,
            State::Rejected | State::Vetoed | State::Superseded | State::Withdrawn => Self::Refused,
            State::Open | State::Expired => Self::Undecided,
        }
    }
}

impl From<Gate> for ExitCode {
    fn from(gate: Gate) -> Self {
        Self::from(gate as u8)
    }
}

/// Does what the arguments say.
#[must_use]
pub fn run(args: GateArgs) -> ExitCode {
    let mut output = Output::new(&args.output);
    let awaited = match ask(args, &output) {
        Ok(awaited) => awaited,
        Err(ClientError::Interrupted) => return ExitCode::from(Exit::Interrupted as u8),
        Err(why) => {
            output.complain_with(&why, Gate::Unknown as u8);
            return Gate::Unknown.into();
        }
    };
    // The verdict is known, whether or not anybody reads what is said about it.
    if let Err(why) = tell(&mut output, &awaited)
        && why.exit() != Exit::Done
    {
        output.complain(&why);
    }
    Gate::from(awaited.decision.facts.state).into()
}

fn ask(args: GateArgs, output: &Output) -> Result<Awaited, ClientError> {
    let rest = args.connection.open()?.rest;
    let wait = Duration::from_secs(args.wait.into());
    let mut is_told = wait.is_zero();
    let tell = |facts: &DecisionFacts| {
        if facts.is_open() && !std::mem::replace(&mut is_told, true) {
            let for_long = lasting::ahead(wait);
            output.remark(&format!(
                "{} is open; waiting for {for_long} at most",
                facts.decision
            ));
        }
    };
    until_interrupted(async {
        let until = Instant::now() + wait;
        rest.until_decided(args.decision, until, tell).await
    })
}

fn tell(output: &mut Output, awaited: &Awaited) -> Result<(), ClientError> {
    let facts = &awaited.decision.facts;
    if let Some(why) = &awaited.lost {
        output.remark(&format!(
            "note: this is how it was when it was last seen: {why}"
        ));
    }
    let report = report(&awaited.decision.answer, facts.state);
    output.answer(&report, |paint| Ok(human(facts, paint)))
}

/// What programs are told: the facts of the server that matter for the verdict, word for word.
fn report(answer: &Value, state: State) -> Value {
    let mut report = json!({ "exit": Gate::from(state) as u8 });
    for field in [
        "decision",
        "room",
        "state",
        "verdict",
        "version",
        "sha256",
        "tally",
        "not_voted",
        "held_by",
        "waits_for",
        "deadline",
        "veto_until",
        "ended_at",
        "superseded_by",
    ] {
        report[field] = answer[field].clone();
    }
    report
}

fn human(facts: &DecisionFacts, paint: Paint) -> String {
    let state = state_word(facts.state, paint);
    let mut lines = vec![
        format!("{} version {} is {state}", facts.decision, facts.version),
        format!("sha256 {}", visible(&facts.sha256)),
    ];
    lines.extend(decision_outlook(facts, SystemClock.now(), paint));
    if !facts.not_voted.is_empty() {
        lines.push(format!("not voted: {}", names(&facts.not_voted)));
    }
    lines.join("\n")
}

fn seconds(text: &str) -> Result<u32, String> {
    lasting::seconds(text, limits::DECISION_SECONDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::a_decision;
    use serde::Deserialize;

    #[test]
    fn every_state_has_its_exit_code() {
        let table = [
            (State::Approved, 0),
            (State::Rejected, 1),
            (State::Vetoed, 1),
            (State::Superseded, 1),
            (State::Withdrawn, 1),
            (State::Open, 2),
            (State::Expired, 2),
        ];
        assert_eq!(table.len(), State::ALL.len());
        for (state, code) in table {
            assert_eq!(Gate::from(state) as u8, code, "{state}");
        }
    }

    #[test]
    fn the_verdict_is_told_to_people_and_to_programs() {
        let mut answer = a_decision();
        answer["state"] = json!("rejected");
        answer["warning"] = Value::Null;
        answer["not_voted"] = json!(["d\u{1b}n"]);
        let facts = DecisionFacts::deserialize(&answer).expect("a decision");
        let expected = "\
dec_00000000000000000000000000000001 version 2 is rejected
sha256 abcdef
2 approve · 1 reject · 0 abstain · 1 outstanding (in weight 3 · 1.5 · 0 · 1)
not voted: d␛n";
        assert_eq!(human(&facts, Paint::new(false)), expected);
        let report = report(&answer, facts.state);
        assert_eq!(
            (&report["exit"], &report["sha256"]),
            (&json!(1), &json!("abcdef"))
        );
        assert_eq!(report["tally"], answer["tally"]);
        assert_eq!(report["text"], Value::Null, "it is not about the text");
    }
}
