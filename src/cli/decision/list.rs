//! `agent-bridge decision list`

use serde::Deserialize;
use serde_json::Value;

use super::args::ListArgs;
use crate::cli::context::{self, Context};
use crate::cli::show::{Paint, date_and_time, first_words, table};
use crate::client::{ClientError, DecisionFacts};

/// Columns of the first line of a text: with what stands before it, a wide terminal.
const TEXT_COLUMNS: usize = 40;

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<DecisionFacts>,
    #[serde(default)]
    next: Value,
}

pub(super) async fn list(context: &mut Context, args: &ListArgs) -> Result<(), ClientError> {
    let ListArgs { room, state, limit } = args;
    let rest = &context.connection.rest;
    let answer = rest.decisions(room, *state, *limit).await?;
    let page: Page = context::read(&answer)?;
    context
        .output
        .answer(&answer, |paint| Ok(human(&page, paint)))?;
    if !page.next.is_null() && !context.output.is_json() {
        let note = format!("only the newest {limit}; there are more: --limit N");
        context.output.remark(&note);
    }
    Ok(())
}

fn human(page: &Page, paint: Paint) -> String {
    if page.items.is_empty() {
        return "there is no such decision in this room".to_owned();
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    let heading = ["DECISION", "STATE", "VOTES", "UNTIL (UTC)", "TEXT"];
    table(heading, &rows, paint)
}

fn row(facts: &DecisionFacts) -> [String; 5] {
    let tally = &facts.tally;
    let held = if facts.held_by.is_empty() {
        ""
    } else {
        ", held"
    };
    let state = if facts.is_open() {
        format!("open{held}")
    } else {
        facts.state.to_string()
    };
    let electorate = tally.approve + tally.reject + tally.abstain + tally.outstanding;
    [
        facts.decision.to_string(),
        state,
        format!(
            "{} for, {} against, of {electorate}",
            tally.approve, tally.reject
        ),
        date_and_time(facts.ended_at.as_deref().unwrap_or(&facts.deadline)),
        first_words(&facts.text, TEXT_COLUMNS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::a_decision;
    use serde_json::json;

    #[test]
    fn a_list_is_a_table() {
        let mut held = a_decision();
        held["held_by"] = json!(["crit_00000000000000000000000000000001"]);
        let mut over = a_decision();
        over["state"] = json!("approved");
        over["ended_at"] = json!("2026-11-22T09:00:00.000Z");
        let page = json!({ "items": [held, over], "next": null });
        let page: Page = context::read(&page).expect("a page");
        let expected = "\
DECISION                              STATE       VOTES                   UNTIL (UTC)          TEXT
dec_00000000000000000000000000000001  open, held  2 for, 1 against, of 4  2026-11-23 08:15:30  Use PostgreSQL …
dec_00000000000000000000000000000001  approved    2 for, 1 against, of 4  2026-11-22 09:00:00  Use PostgreSQL …";
        assert_eq!(human(&page, Paint::new(false)), expected);
        let none = Page {
            items: Vec::new(),
            next: Value::Null,
        };
        assert!(human(&none, Paint::new(false)).contains("no such decision"));
    }
}
