//! Decisions, as people read them.

use std::time::Duration;

use bridge_core::Timestamp;
use bridge_core::decision::{Consent, State, VoteType};

use super::{Paint, count, date_and_time, table, visible, visible_lines};
use crate::cli::lasting;
use crate::client::DecisionFacts;
use crate::client::decision::{
    AmendmentFacts, ArgumentFacts, CritiqueFacts, TallyFacts, VoterFacts,
};
use crate::wire::time;

/// What stands before each line of somebody's text.
const QUOTE: &str = "│ ";

/// A decision on a page of its own. What is to come is told from `now`, the time of this machine.
#[must_use]
pub fn decision_page(facts: &DecisionFacts, now: Timestamp, paint: Paint) -> String {
    let mut lines = heading(facts, now, paint);
    lines.push(format!("sha256 {}", visible(&facts.sha256)));
    lines.push(quoted(&facts.text));
    lines.push(String::new());
    lines.extend(decision_outlook(facts, now, paint));
    if !facts.electorate.is_empty() {
        lines.push(String::new());
        lines.push(voters(facts, paint));
    }
    lines.extend(
        facts
            .amendments
            .iter()
            .flat_map(|one| amendment(one, paint)),
    );
    lines.extend(facts.critiques.iter().flat_map(|one| critique(one, paint)));
    let arguments = &facts.arguments;
    lines.extend(
        arguments
            .pro
            .iter()
            .flat_map(|one| argument("for", one, paint)),
    );
    lines.extend(
        arguments
            .contra
            .iter()
            .flat_map(|one| argument("against", one, paint)),
    );
    lines.join("\n")
}

/// How the votes stand, and what an open decision waits for.
#[must_use]
pub fn decision_outlook(facts: &DecisionFacts, now: Timestamp, paint: Paint) -> Vec<String> {
    let mut lines = vec![tally_line(&facts.tally)];
    if facts.is_open() && !facts.held_by.is_empty() {
        let ids: Vec<_> = facts.held_by.iter().map(ToString::to_string).collect();
        let what = if ids.len() == 1 {
            "a blocking critique"
        } else {
            "blocking critiques"
        };
        lines.push(paint.bad(&format!("held back by {what}: {}", ids.join(", "))));
    }
    if facts.is_open() && !facts.waits_for.is_empty() {
        let until = facts
            .veto_until
            .as_deref()
            .map(|at| format!(", until {}{}", date_and_time(at), in_words(at, now)));
        lines.push(format!(
            "an approval waits for {}, who may veto{}",
            names(&facts.waits_for),
            until.unwrap_or_default()
        ));
    }
    if let Some(warning) = &facts.warning {
        lines.push(format!("note: {}", visible(&warning.message)));
    }
    lines
}

/// How the votes stand, on one line.
#[must_use]
pub fn tally_line(tally: &TallyFacts) -> String {
    let TallyFacts {
        approve,
        reject,
        abstain,
        outstanding,
        weight,
    } = tally;
    format!(
        "{approve} approve · {reject} reject · {abstain} abstain · {outstanding} outstanding \
         (in weight {} · {} · {} · {})",
        weight.approve, weight.reject, weight.abstain, weight.outstanding
    )
}

/// Names in a list.
#[must_use]
pub fn names(of: &[String]) -> String {
    let shown: Vec<_> = of.iter().map(|name| visible(name)).collect();
    shown.join(", ")
}

/// Somebody's text, apart from what is ours.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("{QUOTE}{}", visible_lines(text, QUOTE))
}

/// The word for where a decision is in its life.
#[must_use]
pub fn state_word(state: State, paint: Paint) -> String {
    let word = state.as_str();
    match state {
        State::Open => paint.bold(word),
        State::Approved => paint.good(word),
        State::Withdrawn | State::Superseded => paint.dim(word),
        State::Rejected | State::Vetoed | State::Expired => paint.bad(word),
    }
}

fn heading(facts: &DecisionFacts, now: Timestamp, paint: Paint) -> Vec<String> {
    let takes = match (facts.vote_type, facts.quorum) {
        (VoteType::Quorum, Some(quorum)) => format!("a quorum of {quorum}"),
        (VoteType::SimpleMajority, _) => "a simple majority".to_owned(),
        (VoteType::Weighted, _) => "a majority of weight".to_owned(),
        (other, _) => other.as_str().to_owned(),
    };
    let id = paint.bold(&facts.decision.to_string());
    let state = state_word(facts.state, paint);
    let end = match &facts.ended_at {
        Some(at) => format!("ended {}", date_and_time(at)),
        None => format!(
            "until {}{}",
            date_and_time(&facts.deadline),
            in_words(&facts.deadline, now)
        ),
    };
    let mut lines = vec![
        format!("{id}  {state}  version {}", facts.version),
        paint.dim(&format!(
            "by {} in {} [{}] since {} · takes {takes} · {end} (UTC)",
            visible(&facts.proposer),
            visible(facts.room.as_str()),
            visible(&facts.channel),
            date_and_time(&facts.proposed_at),
        )),
    ];
    let linked = [
        ("an alternative to", facts.alternative_to),
        ("superseded by", facts.superseded_by),
    ];
    for (how, other) in linked {
        lines.extend(other.map(|other| format!("{how} {other}")));
    }
    lines
}

/// `, in 2h` or `, 5m ago`: from now to an instant; nothing when it is none.
fn in_words(at: &str, now: Timestamp) -> String {
    let Some(at) = time::from_text(at) else {
        return String::new();
    };
    let millis = at.as_millis() - now.as_millis();
    let lasts = lasting::ahead(Duration::from_millis(millis.unsigned_abs()));
    if millis < 0 {
        format!(", {lasts} ago")
    } else {
        format!(", in {lasts}")
    }
}

fn voters(facts: &DecisionFacts, paint: Paint) -> String {
    let rows: Vec<_> = facts
        .electorate
        .iter()
        .map(|voter| row(voter, facts))
        .collect();
    table(
        ["VOTER", "WEIGHT", "POWER", "VETO", "VOTE", "WHY"],
        &rows,
        paint,
    )
}

fn row(voter: &VoterFacts, facts: &DecisionFacts) -> [String; 6] {
    let ballot = facts
        .ballots
        .iter()
        .find(|ballot| ballot.counts && ballot.voter == voter.client);
    let why = ballot.and_then(|ballot| ballot.reason.clone());
    let power = voter.power.map(|power| format!("{:.0} %", power * 100.0));
    let vote = voter.choice.map_or("not yet", |choice| choice.as_str());
    let vote = if voter.choice.is_none() && !facts.is_open() {
        "not"
    } else {
        vote
    };
    [
        voter.client.clone(),
        voter.weight.to_string(),
        power.unwrap_or_default(),
        if voter.veto { "yes" } else { "" }.to_owned(),
        vote.to_owned(),
        why.unwrap_or_default(),
    ]
}

fn amendment(one: &AmendmentFacts, paint: Paint) -> Vec<String> {
    let AmendmentFacts {
        amendment,
        version,
        text,
        by,
        state,
        consents,
    } = one;
    let mut title = format!(
        "amendment {amendment} of version {version}, by {}: {}",
        visible(by),
        visible(state)
    );
    let said = |wanted| {
        let who: Vec<_> = consents
            .iter()
            .filter(|one| one.choice == wanted)
            .map(|one| one.voter.clone())
            .collect();
        names(&who)
    };
    for (how, who) in [
        ("for it", said(Consent::Approve)),
        ("against it", said(Consent::Reject)),
    ] {
        if !who.is_empty() {
            title.push_str(&format!(" · {how}: {who}"));
        }
    }
    vec![String::new(), paint.dim(&title), quoted(text)]
}

fn critique(one: &CritiqueFacts, paint: Paint) -> Vec<String> {
    let CritiqueFacts {
        critique,
        severity,
        text,
        by,
        state,
        waived_by,
        answer,
    } = one;
    let mut title = format!(
        "{severity} {critique}, by {}: {}",
        visible(by),
        visible(state)
    );
    if !waived_by.is_empty() {
        title.push_str(&format!(" · waived by {}", names(waived_by)));
    }
    let mut lines = vec![String::new(), paint.dim(&title), quoted(text)];
    lines.extend(
        answer
            .as_deref()
            .map(|answer| format!("answer: {}", visible_lines(answer, QUOTE))),
    );
    lines
}

fn argument(side: &str, one: &ArgumentFacts, paint: Paint) -> Vec<String> {
    let ArgumentFacts { text, evidence, by } = one;
    let mut title = format!("{side} it, by {}", visible(by));
    if !evidence.is_empty() {
        let pieces = count(evidence.len() as u64, "piece");
        title.push_str(&format!(" · {pieces} of evidence"));
    }
    let mut lines = vec![String::new(), paint.dim(&title), quoted(text)];
    lines.extend(evidence.iter().map(|piece| format!("- {}", visible(piece))));
    lines
}

#[cfg(test)]
pub(crate) use tests::a_decision;

#[cfg(test)]
mod tests;
