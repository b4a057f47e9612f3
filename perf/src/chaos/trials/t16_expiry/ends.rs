//! Whether each message had one end, at its time, and nothing behind it.

use std::time::Duration;

use agent_bridge::client::MessageFacts;
use agent_bridge::client::message::{RecipientFacts, Step};
use serde_json::json;

use crate::chaos::crowd::all;
use crate::chaos::mail::{Mailer, instant};
use crate::chaos::outcome::Outcome;
use crate::chaos::setting::Setting;
use crate::figures::Latencies;

/// From the server's last look at its clock until the record says that a session's socket has taken
/// the message: a write and a commit. Where the tests run the machine is busy.
const MARGIN: Duration = Duration::from_millis(250);
const MARGIN_WHERE_BUSY: Duration = Duration::from_millis(1_000);
/// How late the server may note that a message is over.
const LATE: Duration = Duration::from_secs(1);
const LATE_WHERE_BUSY: Duration = Duration::from_secs(2);
/// How long a message may take to its end, when it is looked at.
const ENDED_WITHIN_SECONDS: u64 = 20;
const LOOKED_AT_AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of many messages.
#[derive(Debug)]
pub(super) struct Ends {
    margin: Duration,
    late: Duration,
    messages: u64,
    done: u64,
    expired: u64,
    delivered_after: u64,
    latest_delivery_ms: i64,
    expired_early: u64,
    expired_late: u64,
    without_end: u64,
    several_ends: u64,
    behind_the_end: u64,
    contradicted: u64,
    lateness: Latencies,
    told: Vec<String>,
}

/// What a recipient was told when it said that it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Nothing,
    Unanswered,
    Accepted,
    Refused,
}

impl Ends {
    pub(super) fn new(setting: &Setting) -> Self {
        let is_short = setting.is_short();
        Self {
            margin: if is_short { MARGIN_WHERE_BUSY } else { MARGIN },
            late: if is_short { LATE_WHERE_BUSY } else { LATE },
            messages: 0,
            done: 0,
            expired: 0,
            delivered_after: 0,
            latest_delivery_ms: i64::MIN,
            expired_early: 0,
            expired_late: 0,
            without_end: 0,
            several_ends: 0,
            behind_the_end: 0,
            contradicted: 0,
            lateness: Latencies::new(),
            told: Vec::new(),
        }
    }

    /// Waits for the ends of messages with one recipient each, and looks at them. `is_prompt` says
    /// whether their ends had to be noted in time.
    pub(super) async fn look_at_all(
        &mut self,
        sender: &Mailer,
        messages: &[(String, Said)],
        is_prompt: bool,
    ) -> Result<(), String> {
        for some in messages.chunks(LOOKED_AT_AT_ONCE) {
            let stories = some.iter().map(|(id, _)| {
                let (sender, id) = (sender.clone(), id.clone());
                async move { sender.story(&id, ENDED_WITHIN_SECONDS).await }
            });
            let stories = all(stories.collect(), PATIENCE).await?;
            for ((_, said), story) in some.iter().zip(stories) {
                self.look_at(&story, *said, is_prompt)?;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, story: &MessageFacts, said: Said, is_prompt: bool) -> Result<(), String> {
        let Some(way) = story.recipients.first() else {
            return Err(format!("{} has no recipient", story.id));
        };
        let before = self.flaws();
        self.messages += 1;
        let expires_at = instant(&story.expires_at)?;
        let margin = self.margin.as_millis() as i64;
        let mut ends = 0;
        for step in &way.history {
            self.behind_the_end += u64::from(ends > 0);
            let over = instant(&step.at)?.millis_since(expires_at);
            match step.stage.as_str() {
                "delivered" => {
                    self.latest_delivery_ms = self.latest_delivery_ms.max(over);
                    // A call is answered with what the record says; a session was written to.
                    let is_call = step.via.as_deref() == Some("call");
                    let latest = if is_call { -1 } else { margin };
                    self.delivered_after += u64::from(over > latest);
                }
                "expired" => {
                    self.expired_early += u64::from(over < 0);
                    if is_prompt {
                        self.note_lateness(over);
                    }
                }
                _ => {}
            }
            ends += u64::from(is_end(step));
        }
        self.count(way, ends, said);
        if self.flaws() > before && self.told.len() < 3 {
            self.told.push(in_words(story, way, said));
        }
        Ok(())
    }

    fn note_lateness(&mut self, millis: i64) {
        let late = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
        self.expired_late += u64::from(late > self.late);
        let nanos = late.as_nanos();
        self.lateness
            .record(u64::try_from(nanos).unwrap_or(u64::MAX));
    }

    fn count(&mut self, way: &RecipientFacts, ends: u64, said: Said) {
        let stage = way.stage.as_str();
        self.without_end += u64::from(ends == 0);
        self.several_ends += u64::from(ends > 1);
        self.done += u64::from(stage == "done");
        self.expired += u64::from(stage == "expired");
        let is_so = match said {
            Said::Nothing => stage != "done",
            Said::Unanswered => true,
            Said::Accepted => stage == "done",
            Said::Refused => stage == "expired",
        };
        self.contradicted += u64::from(ends == 1 && !is_so);
    }

    pub(super) fn note_alive_again(&mut self, messages: u64) {
        self.behind_the_end += messages;
    }

    const fn flaws(&self) -> u64 {
        self.delivered_after
            + self.expired_early
            + self.expired_late
            + self.without_end
            + self.several_ends
            + self.behind_the_end
            + self.contradicted
    }

    pub(super) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.done += other.done;
        self.expired += other.expired;
        self.delivered_after += other.delivered_after;
        self.latest_delivery_ms = self.latest_delivery_ms.max(other.latest_delivery_ms);
        self.expired_early += other.expired_early;
        self.expired_late += other.expired_late;
        self.without_end += other.without_end;
        self.several_ends += other.several_ends;
        self.behind_the_end += other.behind_the_end;
        self.contradicted += other.contradicted;
        self.lateness.add(&other.lateness);
        self.told.extend(other.told);
    }

    /// Three messages that must not be are found, whatever else is.
    pub(super) fn control(&self, outcome: &mut Outcome) {
        let at = |second: u32| format!("2026-11-25T01:00:{second:02}.000Z");
        let message = |steps: serde_json::Value, stage: &str| {
            json!({
                "id": "msg_00000000000000000000000000000001", "from": "ann", "to": "bob",
                "text": "x", "kind": "message", "priority": 1, "at": at(0), "expires_at": at(10),
                "recipients": [{"client": "bob", "stage": stage, "history": steps}],
            })
        };
        let delivered = json!({"stage": "delivered", "at": at(13), "via": "session"});
        let early = json!({"stage": "expired", "at": at(9), "reason": "ttl"});
        let end = json!({"stage": "expired", "at": at(10), "reason": "ttl"});
        let forged = [
            message(json!([delivered, end]), "expired"),
            message(json!([early]), "expired"),
            message(json!([end, end]), "expired"),
        ];
        let mut control = Self {
            told: Vec::new(),
            lateness: Latencies::new(),
            ..*self
        };
        let mut seen = 0;
        for message in forged {
            let before = control.flaws();
            if let Ok(story) = serde_json::from_value(message) {
                let looked = control.look_at(&story, Said::Nothing, true);
                seen += u64::from(looked.is_ok() && control.flaws() > before);
            }
        }
        outcome.control(
            "a delivery after the end, an early end and a second end are forged",
            format!("{seen} of 3 seen"),
            seen == 3,
        );
    }

    pub(super) fn tell(self, outcome: &mut Outcome) {
        outcome.figure("messages", self.messages);
        outcome.figure("done", self.done);
        outcome.figure("expired", self.expired);
        outcome.figure("margin of a write ms", self.margin.as_millis() as u64);
        outcome.figure("latest delivery after expiry ms", self.latest_delivery_ms);
        outcome.must_be_zero("delivered after expiry", self.delivered_after);
        outcome.must_be_zero("expired early", self.expired_early);
        let late = self.lateness.quantiles();
        outcome.figure("expiry noted after p99 ms", late.p99_ms.round());
        outcome.figure("the latest ms", late.max_ms.round());
        outcome.must_be_zero("expired late", self.expired_late);
        outcome.must_be_zero("without an end", self.without_end);
        outcome.must_be_zero("several ends", self.several_ends);
        outcome.must_be_zero("something after the end", self.behind_the_end);
        outcome.must_be_zero("another end than its recipient was told", self.contradicted);
        for told in self.told {
            outcome.flaw(told);
        }
    }
}

fn is_end(step: &Step) -> bool {
    matches!(step.stage.as_str(), "done" | "expired" | "dead")
}

fn in_words(story: &MessageFacts, way: &RecipientFacts, said: Said) -> String {
    let steps = way.history.iter();
    let steps = steps.map(|step| {
        let via = step.via.as_deref().unwrap_or_default();
        format!("{} {} {via}", step.at, step.stage)
    });
    let steps: Vec<String> = steps.collect();
    format!(
        "{} to {}, over at {}: {}; `done` was {said:?}",
        story.id,
        way.client,
        story.expires_at,
        steps.join(" / ")
    )
}
