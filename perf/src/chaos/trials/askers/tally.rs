//! How they were answered, and what is told of it.

use std::time::Duration;

use bridge_core::limits;

use super::{Asker, Askers};
use crate::chaos::http::Answer;
use crate::chaos::outcome::Outcome;
use crate::chaos::room_log::lock;

/// How much longer than the server's own limit an answer may take: this machine is busy.
const LATE_BY: Duration = Duration::from_secs(2);

/// How it was answered.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) done: u64,
    refused: u64,
    unknown: u64,
    /// Refusals that do not say when to come again.
    without_retry_after: u64,
    slowest_nanos: u64,
    slowest_refusal_nanos: u64,
    /// Answers that are neither what was asked for nor a refusal for now.
    pub(super) others: Vec<String>,
}

impl Askers {
    /// What came of it. So many refusals of each kind there must be at least.
    pub(in crate::chaos::trials) fn tell(&self, outcome: &mut Outcome, wanted: f64) {
        let [writers, readers] = [&self.writers, &self.readers].map(|askers| Tally::of(askers));
        outcome.figure("posts over REST", writers.done);
        outcome.at_least("posts refused", writers.refused as f64, wanted);
        outcome.figure("not known", writers.unknown);
        writers.tell_times(outcome, "the slowest answer to a post ms", "refusal ms");
        outcome.figure("reads over REST", readers.done);
        outcome.at_least("reads refused", readers.refused as f64, wanted);
        readers.tell_times(
            outcome,
            "the slowest answer to a read ms",
            "refused read ms",
        );
        let without = writers.without_retry_after + readers.without_retry_after;
        outcome.must_be_zero("refusals without Retry-After", without);
        let flaws = &lock(&self.log).flaws;
        outcome.must_be_zero("lost, twice or elsewhere, over REST", flaws.total());
        for flaw in flaws
            .told
            .iter()
            .chain(&writers.others)
            .chain(&readers.others)
        {
            outcome.flaw(flaw);
        }
    }
}

impl Tally {
    fn of(askers: &[Asker]) -> Self {
        let mut sum = Self::default();
        for Asker { tally, .. } in askers {
            sum.done += tally.done;
            sum.refused += tally.refused;
            sum.unknown += tally.unknown;
            sum.without_retry_after += tally.without_retry_after;
            sum.slowest_nanos = sum.slowest_nanos.max(tally.slowest_nanos);
            sum.slowest_refusal_nanos = sum.slowest_refusal_nanos.max(tally.slowest_refusal_nanos);
            sum.others.extend(tally.others.iter().cloned());
        }
        sum
    }

    fn tell_times(&self, outcome: &mut Outcome, answer: &'static str, refusal: &'static str) {
        let millis = |nanos: u64| (nanos as f64 / 1e6).round();
        let within = answers_within().as_secs_f64() * 1e3;
        outcome.at_most(answer, millis(self.slowest_nanos), within);
        outcome.figure(refusal, millis(self.slowest_refusal_nanos));
    }

    /// An answer came.
    pub(super) fn took(&mut self, nanos: u64, is_refusal: bool) {
        self.slowest_nanos = self.slowest_nanos.max(nanos);
        if is_refusal {
            self.slowest_refusal_nanos = self.slowest_refusal_nanos.max(nanos);
        }
    }

    /// Counts a refusal, and says after how long it is worth to ask again. One that is not for now is
    /// something that must not be.
    pub(super) fn refuse(&mut self, answer: &Answer) -> Option<Duration> {
        let error = &answer.body["error"];
        if answer.status != 503 || error["temporary"] != true {
            self.others
                .push(format!("over REST: {} {error}", answer.status));
            return None;
        }
        let is_unknown = error["code"] == "outcome_unknown";
        self.unknown += u64::from(is_unknown);
        self.refused += u64::from(!is_unknown);
        self.without_retry_after += u64::from(answer.retry_after.is_none());
        let millis = error["retry_after_ms"].as_u64().unwrap_or_default();
        Some(Duration::from_millis(millis))
    }
}

/// How long an answer may take, whatever hangs.
fn answers_within() -> Duration {
    limits::ANSWER_WITHIN.max(limits::READ_WITHIN) + LATE_BY
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let mut tally = Tally::default();
        let mut refuse = |status, code: &str, retry_after: Option<u64>| {
            let temporary = retry_after.is_some();
            let error = json!({"code": code, "temporary": temporary, "retry_after_ms": 200});
            tally.refuse(&Answer {
                status,
                retry_after,
                body: json!({"error": error}),
            })
        };
        let again = Some(Duration::from_millis(200));
        assert_eq!(refuse(503, "busy", Some(1)), again);
        assert_eq!(refuse(503, "outcome_unknown", Some(1)), again);
        assert_eq!(refuse(500, "internal", None), None);
        assert_eq!((tally.refused, tally.unknown), (1, 1));
        assert_eq!((tally.without_retry_after, tally.others.len()), (0, 1));
    }
}
