//! Whether what became of a message is what the rules say.

use std::collections::BTreeMap;
use std::time::Duration;

use agent_bridge::client::message::{FailureFacts, RecipientFacts};
use bridge_core::message::Stage;

use super::plan::Rules;
use super::receiver::{Found, counts};
use crate::chaos::mail::{Letter, instant, maybe_instant};

/// What did not hold, of all messages.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    /// Handed over before its back-off was over, or taken back before its lease was.
    pub(super) early: u64,
    /// A lease that was over, and went on for too long.
    pub(super) lease_late: u64,
    /// An attempt that is missing, or comes twice.
    pub(super) attempts: u64,
    /// An attempt that ended in another way than its receiver knows, or a report that lacks one.
    pub(super) reasons: u64,
    /// No end, several, the wrong one, or something behind it.
    pub(super) ends: u64,
    /// A dead letter that is not in the list, or is not a dead letter.
    pub(super) letters_missing: u64,
    /// A dead letter that is there twice.
    pub(super) letters_twice: u64,
    /// The first of them, in words.
    pub(super) told: Vec<String>,
}

impl Flaws {
    /// Looks at the way of one message.
    pub(super) fn look_at(
        &mut self,
        way: &RecipientFacts,
        found: &Found,
        rules: &Rules,
    ) -> Result<(), String> {
        let endings = &found.endings;
        let (before, late_before) = (self.sum(), self.lease_late);
        self.look_at_times(way, rules.late)?;
        self.look_at_attempts(way, endings);
        self.look_at_end(way, endings, rules);
        if self.sum() - self.lease_late > before - late_before && self.told.len() < 3 {
            let steps = way.history.iter().map(|step| {
                let [reason, until, not_before] = [&step.reason, &step.until, &step.not_before]
                    .map(|field| field.as_deref().unwrap_or_default());
                let (stage, attempt) = (&step.stage, step.attempt.unwrap_or_default());
                format!("{} {stage} {attempt} {reason} {until}{not_before}", step.at)
            });
            let steps: Vec<String> = steps.collect();
            self.told.push(format!(
                "{}: {}; its receiver says {}",
                way.client,
                steps.join(" / "),
                found.diary.join(" / ")
            ));
        }
        Ok(())
    }

    fn sum(&self) -> u64 {
        self.early + self.lease_late + self.attempts + self.reasons + self.ends
    }

    fn look_at_times(&mut self, way: &RecipientFacts, late: Duration) -> Result<(), String> {
        let (mut until, mut not_before) = (None, None);
        for step in &way.history {
            let at = instant(&step.at)?;
            match step.stage.as_str() {
                "delivered" => {
                    self.early += u64::from(not_before.is_some_and(|not_before| at < not_before));
                    until = Some(maybe_instant(step.until.as_ref())?);
                }
                "returned" => not_before = Some(maybe_instant(step.not_before.as_ref())?),
                _ => {}
            }
            let ends_lease = match step.stage.as_str() {
                "dead" => step.failures.last().map(|last| last.reason.as_str()),
                _ => step.reason.as_deref(),
            };
            if let (Some("lease_expired"), Some(until)) = (ends_lease, until) {
                self.early += u64::from(at < until);
                self.lease_late += u64::from(at.millis_since(until) > late.as_millis() as i64);
            }
        }
        Ok(())
    }

    /// Each is handed over once, and ends before the next.
    fn look_at_attempts(
        &mut self,
        way: &RecipientFacts,
        endings: &BTreeMap<u32, &'static [&'static str]>,
    ) {
        let (mut handed, mut is_held) = (0, false);
        for step in &way.history {
            let attempt = step.attempt.unwrap_or_default();
            match step.stage.as_str() {
                "delivered" => {
                    self.attempts += u64::from(is_held || attempt != handed + 1);
                    (handed, is_held) = (attempt, true);
                }
                "returned" => {
                    self.attempts += u64::from(!is_held || attempt != handed);
                    is_held = false;
                    self.look_at_reason(attempt, step.reason.as_deref(), endings);
                }
                _ => {}
            }
        }
        self.attempts += u64::from(way.attempts != handed);
    }

    fn look_at_reason(
        &mut self,
        attempt: u32,
        reason: Option<&str>,
        endings: &BTreeMap<u32, &'static [&'static str]>,
    ) {
        let may_be = endings.get(&attempt).copied().unwrap_or_default();
        let is_so = reason.is_some_and(|reason| may_be.contains(&reason));
        self.reasons += u64::from(!is_so);
    }

    fn look_at_end(
        &mut self,
        way: &RecipientFacts,
        endings: &BTreeMap<u32, &'static [&'static str]>,
        rules: &Rules,
    ) {
        let failed = way.history.iter().filter(|step| counts(step)).count();
        let last = way.history.last();
        let ends = way.history.iter();
        let ends = ends.filter(|step| matches!(step.stage.as_str(), "done" | "dead" | "expired"));
        let is_at_its_end = last.is_some_and(|step| step.stage == way.stage.as_str());
        self.ends += u64::from(ends.count() != 1 || !is_at_its_end);
        match way.stage {
            Stage::Done => self.ends += u64::from(failed >= rules.attempts),
            Stage::Dead => {
                self.ends += u64::from(failed + 1 != rules.attempts);
                let report = last.map_or(&[][..], |step| &step.failures);
                self.reasons += u64::from(report.len() != rules.attempts);
                self.reasons += u64::from(!agrees(report, way));
                if let Some(last) = report.last() {
                    self.look_at_reason(last.attempt, Some(&last.reason), endings);
                }
            }
            _ => self.ends += 1,
        }
    }

    /// Looks at the list of dead letters beside those that were seen to die, by their ids.
    pub(super) fn look_at_letters(
        &mut self,
        letters: &[Letter],
        dead: &BTreeMap<String, (String, usize)>,
    ) {
        let mut times: BTreeMap<&str, u64> = BTreeMap::new();
        for letter in letters {
            *times.entry(&letter.id).or_default() += 1;
            let is_one = dead.get(&letter.id).is_some_and(|(to, failures)| {
                (to, *failures) == (&letter.to, letter.failures.len())
            });
            self.letters_missing += u64::from(!is_one);
        }
        let missing = dead.keys().filter(|id| !times.contains_key(id.as_str()));
        self.letters_missing += missing.count() as u64;
        self.letters_twice += times.values().map(|times| times - 1).sum::<u64>();
    }
}

/// Whether the report of a dead letter has each failure that came before, and one more.
fn agrees(report: &[FailureFacts], way: &RecipientFacts) -> bool {
    let before = way.history.iter().filter(|step| counts(step));
    let before = before.map(|step| (step.attempt.unwrap_or_default(), step.reason.as_deref()));
    let told = report
        .iter()
        .map(|failure| (failure.attempt, Some(failure.reason.as_str())));
    let told: Vec<_> = told.collect();
    told.split_last()
        .is_some_and(|(last, told)| last.0 == way.attempts && before.eq(told.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const RULES: Rules = Rules {
        lease: Duration::from_secs(2),
        call_lease: Duration::from_secs(2),
        attempts: 2,
        late: Duration::from_secs(1),
    };

    fn at(millis: u64) -> String {
        format!(
            "2026-11-25T01:00:{:02}.{:03}Z",
            millis / 1_000,
            millis % 1_000
        )
    }

    fn delivered(when: u64, attempt: u32) -> Value {
        let until = at(when + 2_000);
        json!({"stage": "delivered", "at": at(when), "attempt": attempt, "until": until})
    }

    fn failure(attempt: u32, reason: &str) -> Value {
        json!({"attempt": attempt, "at": at(0), "reason": reason})
    }

    /// Silent at first, and then cut off.
    fn steps() -> Vec<Value> {
        let returned = json!({
            "stage": "returned", "at": at(3_100), "attempt": 1, "reason": "lease_expired",
            "not_before": at(3_100),
        });
        let failures = [failure(1, "lease_expired"), failure(2, "connection_lost")];
        let dead = json!({
            "stage": "dead", "at": at(3_300), "reason": "attempts", "failures": failures,
        });
        let stored = json!({"stage": "stored", "at": at(0)});
        vec![
            stored,
            delivered(1_000, 1),
            returned,
            delivered(3_200, 2),
            dead,
        ]
    }

    fn look(change: impl Fn(&mut Vec<Value>)) -> Flaws {
        let mut history = steps();
        change(&mut history);
        let way = json!({"client": "bob", "stage": "dead", "attempts": 2, "history": history});
        let way: RecipientFacts = serde_json::from_value(way).expect("a way");
        let mut flaws = Flaws::default();
        let found = Found {
            endings: [(1, &["lease_expired"][..]), (2, &["connection_lost"][..])].into(),
            ..Found::default()
        };
        flaws.look_at(&way, &found, &RULES).expect("good times");
        flaws
    }

    #[test]
    fn what_is_as_it_should_be_has_no_flaw() {
        assert_eq!(look(|_| {}), Flaws::default());
    }

    #[test]
    fn each_kind_of_flaw_is_seen() {
        let early = look(|steps| steps[2]["at"] = json!(at(2_999)));
        assert_eq!(early.early, 1);
        let late = look(|steps| steps[2]["at"] = json!(at(4_001)));
        assert_eq!((late.lease_late, late.early), (1, 0));
        let hasty = look(|steps| steps[3]["at"] = json!(at(3_099)));
        assert_eq!(hasty.early, 1);
        let skipped = look(|steps| steps[3]["attempt"] = json!(3));
        assert_eq!(skipped.attempts, 2);
        let twice = look(|steps| steps.insert(2, delivered(1_500, 2)));
        assert!(twice.attempts > 0);
        let other = look(|steps| steps[2]["reason"] = json!("failed"));
        assert_eq!(other.reasons, 2, "its receiver, and the report");
        let short = look(|steps| steps[4]["failures"] = json!([failure(2, "connection_lost")]));
        assert!(short.reasons > 0);
        let endless = look(|steps| steps.truncate(4));
        assert!(endless.ends > 0);
        let again = look(|steps| steps.push(delivered(9_000, 3)));
        assert!(again.ends > 0 && !again.told.is_empty());
    }

    #[test]
    fn each_dead_letter_is_in_the_list_once() {
        let letter = |id: &str| Letter {
            id: id.to_owned(),
            to: "bob".to_owned(),
            failures: Vec::new(),
        };
        let dead: BTreeMap<_, _> = ["a", "b", "c"]
            .map(|id| (id.to_owned(), ("bob".to_owned(), 0)))
            .into();
        let mut flaws = Flaws::default();
        flaws.look_at_letters(&["a", "b", "b", "d"].map(letter), &dead);
        assert_eq!((flaws.letters_missing, flaws.letters_twice), (2, 1));
    }
}
