//! What happened, counted from what was received.

use bridge_core::RoomId;

use super::agent::Log;
use super::council::Agreed;
use super::question::Answered;
use super::script::Comeback;
use crate::cli::show::{Paint, count, event_json};
use crate::client::ClientError;
use crate::wire::frame::RoomEvent;

/// What is known at the end.
#[derive(Debug)]
pub(super) struct Facts {
    room: RoomId,
    events: u64,
    posts: u64,
    members: u64,
    sessions: u64,
    logs: u64,
    comeback: Comeback,
    answered: Answered,
    agreed: Agreed,
}

impl Facts {
    /// Counts, and compares what the agents received.
    ///
    /// # Errors
    /// When two of them did not receive the same.
    pub(super) fn gather(
        room: RoomId,
        logs: &[Log],
        comeback: Comeback,
        answered: Answered,
        agreed: Agreed,
    ) -> Result<Self, ClientError> {
        let Some((first, others)) = logs.split_first() else {
            return Err(ClientError::Protocol("nobody was there".to_owned()));
        };
        for other in others {
            compare(first, other)?;
        }
        let of_kind = |kind: &str| first.events.iter().filter(|e| e.kind == kind).count() as u64;
        Ok(Self {
            room,
            events: first.events.len() as u64,
            posts: of_kind("posted"),
            members: of_kind("member_joined"),
            sessions: logs.iter().map(|log| log.sessions).sum(),
            logs: logs.len() as u64,
            comeback,
            answered,
            agreed,
        })
    }
}

/// Two agents have received the same events, each once, from the first on and without a gap.
fn compare(one: &Log, other: &Log) -> Result<(), ClientError> {
    let differ = |what: String| {
        let (one, other) = (&one.client, &other.client);
        ClientError::Protocol(format!(
            "{one} and {other} have not received the same: {what}"
        ))
    };
    if one.events.len() != other.events.len() {
        return Err(differ(format!(
            "{} and {} events",
            one.events.len(),
            other.events.len()
        )));
    }
    for (n, (a, b)) in (1..).zip(one.events.iter().zip(&other.events)) {
        if a.seq.get() != n || !is_same(a, b) {
            return Err(differ(format!("event #{n}")));
        }
    }
    Ok(())
}

/// Whether two copies of an event say the same. Whether one was the answer to a repeat does not
/// matter.
fn is_same(a: &RoomEvent, b: &RoomEvent) -> bool {
    let plain = |event: &RoomEvent| RoomEvent {
        duplicate: false,
        ..event.clone()
    };
    event_json(&plain(a)) == event_json(&plain(b))
}

/// The numbers, in words.
pub(super) fn text(facts: &Facts, paint: Paint) -> String {
    let Facts {
        room,
        events,
        posts,
        members,
        sessions,
        logs,
        comeback,
        answered,
        agreed,
    } = facts;
    let missed = comeback.missed.len();
    let promised = comeback.resumed.to.get() - comeback.resumed.from.get();
    [
        String::new(),
        paint.bold("Counted from what was received"),
        format!(
            "  {} in the room {room} before the vote: {} by {} in {}",
            count(*events, "event"),
            count(*posts, "message"),
            count(*members, "member"),
            count(*sessions, "session"),
        ),
        format!("  {logs} logs compared: all the same, every event once, in order, without a gap"),
        format!(
            "  1 lost connection: resumed from #{}, {} missed, {missed} received",
            comeback.resumed.from,
            count(promised, "event"),
        ),
        format!(
            "  1 repeated request: recognised by its key, still #{}",
            comeback.repeated
        ),
        format!(
            "  1 question: {}, as its sender was told; answered after {:.1} s",
            answered.stages().join(", "),
            answered.took.as_secs_f64(),
        ),
        decided(agreed),
    ]
    .join("\n")
}

fn decided(agreed: &Agreed) -> String {
    let Agreed {
        motions,
        ballots,
        void,
        approved,
        gate: [before, after],
    } = agreed;
    let (version, approve) = (approved.version, approved.tally.approve);
    format!(
        "  1 decision: {} and {}, {void} of them void; version {version} approved by {approve} of \
         {}; the gate said {} and then {}",
        count(*motions, "motion"),
        count(*ballots, "ballot"),
        approved.electorate.len(),
        *before as u8,
        *after as u8,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gate::Gate;
    use crate::cli::show::a_decision;
    use crate::wire::frame::ResumedBody;
    use bridge_core::Seq;
    use bridge_core::message::Stage;
    use serde_json::json;
    use std::time::Duration;

    fn log(client: &str, texts: &[&str]) -> Log {
        let event = |(n, text): (u64, &&str)| {
            let kind = if n == 1 { "member_joined" } else { "posted" };
            let event = json!({"room": "r", "seq": n, "at": "x", "by": "ann", "kind": kind,
                "text": text, "ref": client});
            serde_json::from_value(event).expect("an event")
        };
        let client = client.parse().expect("a name");
        Log {
            client,
            sessions: 1,
            events: (1..).zip(texts).map(event).collect(),
        }
    }

    fn facts(logs: &[Log]) -> Result<Facts, String> {
        let (from, to) = (Seq::new(1), Seq::new(3));
        let resumed = ResumedBody {
            from,
            to,
            complete: true,
            reason: None,
        };
        let comeback = Comeback {
            resumed,
            missed: vec![Seq::new(2), to],
            repeated: to,
        };
        let room = "r".parse().expect("a name");
        let answered = Answered {
            receipts: vec![Stage::Delivered, Stage::Seen, Stage::Done],
            took: Duration::from_millis(2_345),
        };
        let mut approved = a_decision();
        approved["state"] = json!("approved");
        let agreed = Agreed {
            motions: 2,
            ballots: 5,
            void: 3,
            approved: serde_json::from_value(approved).expect("a decision"),
            gate: [Gate::Undecided, Gate::Approved],
        };
        Facts::gather(room, logs, comeback, answered, agreed).map_err(|why| why.to_string())
    }

    #[test]
    fn the_facts_are_counted() {
        let logs = [log("ann", &["", "a", "b"]), log("bob", &["", "a", "b"])];
        let facts = facts(&logs).expect("the same logs");
        let text = text(&facts, Paint::new(false));
        assert!(text.contains(
            "3 events in the room r before the vote: 2 messages by 1 member in 2 sessions"
        ));
        assert!(
            text.contains("resumed from #1, 2 events missed, 2 received"),
            "{text}"
        );
        let question = "1 question: delivered, seen, done, as its sender was told; answered";
        assert!(text.contains(question), "{text}");
        let decision = "1 decision: 2 motions and 5 ballots, 3 of them void; version 2 approved by 2 of 4; the gate said 2 and then 0";
        assert!(text.contains(decision), "{text}");
    }

    #[test]
    fn a_difference_is_not_passed_over() {
        let ann = || log("ann", &["", "a", "b"]);
        let why = facts(&[ann(), log("bob", &["", "a"])]).expect_err("one is missing");
        assert!(why.contains("3 and 2 events"), "{why}");
        let why = facts(&[ann(), log("bob", &["", "x", "b"])]).expect_err("one differs");
        assert!(
            why.contains("ann and bob") && why.contains("event #2"),
            "{why}"
        );
    }
}
