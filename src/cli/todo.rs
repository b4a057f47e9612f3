//! `agent-bridge todo`: what waits for its client, and whether anything does as an exit code.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use bridge_core::Timestamp;
use bridge_core::ports::Clock;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::connection::{ConnectionArgs, until_interrupted};
use super::context;
use super::lasting;
use super::output::{Output, OutputArgs};
use super::show::{Paint, first_words, table, visible};
use crate::client::ClientError;
use crate::client::error::Exit;
use crate::system::SystemClock;
use crate::wire::time;

/// `agent-bridge todo`
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct TodoArgs {
    /// The server, and who one is.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// In which form answers are shown.
    #[command(flatten)]
    pub output: OutputArgs,
}

const HELP: &str = "\
Examples:
  agent-bridge todo
  agent-bridge todo --json | jq -r 'select(.kind == \"vote\").decision'
  agent-bridge todo >/dev/null || echo \"somebody waits for you\"

Decisions that wait for your vote, amendments of which you have said nothing, blocking critiques of your
decisions or by you, and messages that expect a reply of yours; the most urgent first. On a terminal it
is a table, and otherwise, or with --json, one JSON object a line.

Exit codes: 0 nothing waits for you · 2 something does · 3 it cannot be told: no server, no permission,
wrong usage, or a room that cannot be asked now · 130 interrupted";

/// Columns of the first line of a text: with what stands before it, a wide terminal.
const TEXT_COLUMNS: usize = 50;

/// Whether anything waits. Scripts depend on the numbers; they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Nothing does.
    Nothing = 0,
    /// Something does.
    Something = 2,
    /// It cannot be told.
    Unknown = 3,
}

impl From<Waits> for ExitCode {
    fn from(waits: Waits) -> Self {
        Self::from(waits as u8)
    }
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Value>,
    complete: bool,
}

#[derive(Debug, Deserialize)]
struct Item {
    kind: String,
    #[serde(default)]
    room: Option<String>,
    #[serde(default)]
    decision: Option<String>,
    #[serde(default)]
    amendment: Option<u32>,
    #[serde(default)]
    critique: Option<String>,
    #[serde(default)]
    yours: bool,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    from: Option<String>,
    text: String,
    deadline: String,
}

/// Does what the arguments say.
#[must_use]
pub fn run(args: TodoArgs) -> ExitCode {
    let mut output = Output::new(&args.output);
    let page = match ask(args.connection) {
        Ok(page) => page,
        Err(ClientError::Interrupted) => return ExitCode::from(Exit::Interrupted as u8),
        Err(why) => {
            output.complain_with(&why, Waits::Unknown as u8);
            return Waits::Unknown.into();
        }
    };
    // It is known, whether or not anybody reads what is said about it.
    if let Err(why) = tell(&mut output, &page)
        && why.exit() != Exit::Done
    {
        output.complain(&why);
    }
    waits(&page).into()
}

fn ask(connection: ConnectionArgs) -> Result<Page, ClientError> {
    let rest = connection.open()?.rest;
    let answer = until_interrupted(async { rest.todo().await })?;
    context::read(&answer)
}

fn waits(page: &Page) -> Waits {
    match (page.items.is_empty(), page.complete) {
        (false, _) => Waits::Something,
        (true, true) => Waits::Nothing,
        (true, false) => Waits::Unknown,
    }
}

fn tell(output: &mut Output, page: &Page) -> Result<(), ClientError> {
    if output.is_json() || !io::stdout().is_terminal() {
        for item in &page.items {
            output.json_line(item)?;
        }
    } else {
        let text = human(&page.items, SystemClock.now(), output.paint())?;
        output.line(&text)?;
    }
    if !page.complete {
        output.remark("note: this is not all of it; ask again when you have done some of it");
    }
    Ok(())
}

fn human(items: &[Value], now: Timestamp, paint: Paint) -> Result<String, ClientError> {
    if items.is_empty() {
        return Ok("nothing waits for you".to_owned());
    }
    let items: Result<Vec<Item>, _> = items.iter().map(context::read).collect();
    let rows: Vec<_> = items?.iter().map(|item| row(item, now)).collect();
    let heading = ["WITHIN", "WHAT", "WHERE", "ID", "TEXT"];
    Ok(table(heading, &rows, paint))
}

fn row(item: &Item, now: Timestamp) -> [String; 5] {
    let deadline = time::from_text(&item.deadline);
    // Two machines' clocks differ; nothing is over as long as the server tells of it.
    let left = deadline.map(|at| u64::try_from(at.millis_since(now)).unwrap_or(0));
    let left = left.map(|millis| lasting::ahead(Duration::from_millis(millis)));
    let place = match (&item.room, &item.from) {
        (Some(room), _) => room.clone(),
        (None, Some(from)) => format!("from {from}"),
        (None, None) => String::new(),
    };
    let id = item.message.as_ref().or(item.decision.as_ref());
    let id = item.critique.as_ref().or(id);
    [
        left.unwrap_or_else(|| visible(&item.deadline)),
        what(item),
        place,
        id.cloned().unwrap_or_default(),
        first_words(&item.text, TEXT_COLUMNS),
    ]
}

fn what(item: &Item) -> String {
    match (item.kind.as_str(), item.amendment) {
        ("amendment", Some(number)) => format!("amendment {number}"),
        ("critique", _) if item.yours => "critique by you".to_owned(),
        ("critique", _) => "critique of yours".to_owned(),
        (kind, _) => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn items() -> Vec<Value> {
        let decision = format!("dec_{:032}", 1);
        let critique = |n: u8, yours: bool| {
            json!({
                "kind": "critique", "room": "den", "decision": decision, "yours": yours,
                "critique": format!("crit_{n:032}"), "text": "slow",
                "deadline": "2026-11-23T10:15:30.250Z", "since": "2026-11-22T08:15:30.250Z",
            })
        };
        vec![
            json!({
                "kind": "question", "message": format!("msg_{:032}", 2), "from": "r\u{1b}vi",
                "text": "Is it done?\nReally?", "deadline": "2026-11-22T08:16:30.000Z",
                "since": "2026-11-22T08:15:30.250Z",
            }),
            json!({
                "kind": "vote", "room": "den", "decision": decision, "version": 1,
                "text": "Use PostgreSQL", "deadline": "2026-11-22T10:16:30.250Z",
                "since": "2026-11-22T08:15:30.250Z",
            }),
            json!({
                "kind": "amendment", "room": "den", "decision": decision, "amendment": 3,
                "text": "Use SQLite", "deadline": "soon", "since": "2026-11-22T08:15:30.250Z",
            }),
            critique(4, true),
            critique(5, false),
        ]
    }

    #[test]
    fn what_waits_is_a_table() {
        let now = time::from_text("2026-11-22T08:16:30.000Z").expect("a time");
        let text = human(&items(), now, Paint::new(false)).expect("items");
        let expected = "\
WITHIN  WHAT               WHERE      ID                                     TEXT
0s      question           from r␛vi  msg_00000000000000000000000000000002   Is it done? …
2h      vote               den        dec_00000000000000000000000000000001   Use PostgreSQL
soon    amendment 3        den        dec_00000000000000000000000000000001   Use SQLite
1d 1h   critique by you    den        crit_00000000000000000000000000000004  slow
1d 1h   critique of yours  den        crit_00000000000000000000000000000005  slow";
        assert_eq!(text, expected);
        let later = time::from_text("2026-11-22T09:00:00Z").expect("a time");
        let late: Item = context::read(&items()[0]).expect("an item");
        assert_eq!(row(&late, later)[0], "0s");
        let none = human(&[], now, Paint::new(false)).expect("no items");
        assert_eq!(none, "nothing waits for you");
        assert!(human(&[json!({"kind": 7})], now, Paint::new(false)).is_err());
    }

    #[test]
    fn the_exit_code_says_whether_anything_waits() {
        let page = |items, complete| Page { items, complete };
        assert_eq!(waits(&page(Vec::new(), true)) as u8, 0);
        assert_eq!(waits(&page(items(), true)) as u8, 2);
        assert_eq!(waits(&page(items(), false)) as u8, 2);
        assert_eq!(waits(&page(Vec::new(), false)) as u8, 3);
    }
}
