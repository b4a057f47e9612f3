//! How the answers to one request are held against each other.

use serde_json::json;

use super::cases::Case;
use crate::chaos::request::{Request, Told, What};

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) lost: u64,
    pub(super) repeats: u64,
    pub(super) refused_for_now: u64,
    pub(super) misuses: u64,
    pub(super) flaws: Flaws,
}

#[derive(Debug, Default)]
pub(super) struct Flaws {
    /// Receipts that differ from the first one.
    pub(super) differ: u64,
    /// Requests that were carried out a second time, by what was said.
    pub(super) firsts: u64,
    /// Repeats that were refused.
    pub(super) refused: u64,
    /// Misused keys that were not refused as such.
    pub(super) misuses: u64,
    pub(super) told: Vec<String>,
}

impl Flaws {
    pub(super) const fn total(&self) -> u64 {
        self.differ + self.firsts + self.refused + self.misuses
    }
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.repeats += other.repeats;
        self.refused_for_now += other.refused_for_now;
        self.misuses += other.misuses;
        let (sum, flaws) = (&mut self.flaws, other.flaws);
        sum.differ += flaws.differ;
        sum.firsts += flaws.firsts;
        sum.refused += flaws.refused;
        sum.misuses += flaws.misuses;
        sum.told.extend(flaws.told);
    }

    pub(super) fn hear(&mut self, case: &mut Case, told: Told) {
        self.repeats += 1;
        let request = &case.request;
        match told {
            Told::Receipt(receipt, is_repeat) => {
                case.firsts += u64::from(is_repeat == Some(false));
                if case.firsts > 1 {
                    self.flaws.firsts += 1;
                    self.flaws.told.push(format!("{request:?} was done twice"));
                }
                let first = case.receipt.get_or_insert_with(|| receipt.clone());
                if *first != receipt {
                    self.flaws.differ += 1;
                    self.flaws
                        .told
                        .push(format!("{request:?}: first {first}, then {receipt}"));
                }
            }
            Told::Refused(_, true) => self.refused_for_now += 1,
            Told::Refused(word, false) => {
                self.flaws.refused += 1;
                self.flaws
                    .told
                    .push(format!("{request:?} was refused: {word}"));
            }
        }
    }

    pub(super) fn hear_misuse(&mut self, request: &Request, told: &Told) {
        self.misuses += 1;
        if *told != Told::Refused("key_reused".to_owned(), false) {
            self.flaws.misuses += 1;
            self.flaws
                .told
                .push(format!("a misuse, {request:?}, was answered {told:?}"));
        }
    }
}

/// What must be seen, and how much was seen of it.
pub(super) fn controls() -> Vec<(&'static str, u64)> {
    let request = || Request {
        by: "ann".to_owned(),
        key: "k".to_owned(),
        what: What::Post {
            room: "den".to_owned(),
            text: "x".to_owned(),
        },
    };
    let hear = |answers: [Told; 2]| {
        let (mut counts, mut case) = (Counts::default(), Case::new(request()));
        answers
            .into_iter()
            .for_each(|told| counts.hear(&mut case, told));
        counts.flaws.total()
    };
    let receipt = |seq: u64, is_repeat| Told::Receipt(json!([seq]), Some(is_repeat));
    let refused = Told::Refused("not_a_member".to_owned(), false);
    let mut misuse = Counts::default();
    misuse.hear_misuse(&request(), &receipt(1, true));
    vec![
        (
            "a repeat with another receipt",
            hear([receipt(1, false), receipt(2, true)]),
        ),
        (
            "a repeat that is carried out again",
            hear([receipt(1, false), receipt(1, false)]),
        ),
        (
            "a repeat that is refused",
            hear([receipt(1, false), refused]),
        ),
        (
            "a misused key that is answered with a receipt",
            misuse.flaws.total(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_is_no_flaw_and_every_control_fails() {
        let (mut counts, mut case) = (
            Counts::default(),
            Case::new(Request {
                by: "ann".to_owned(),
                key: "k".to_owned(),
                what: What::Create {
                    room: "den".to_owned(),
                    topic: String::new(),
                },
            }),
        );
        let receipt = |is_repeat| Told::Receipt(json!([1]), is_repeat);
        let later = Told::Refused("retry".to_owned(), true);
        for told in [
            later,
            receipt(Some(false)),
            receipt(Some(true)),
            receipt(None),
        ] {
            counts.hear(&mut case, told);
        }
        counts.hear_misuse(
            &case.request,
            &Told::Refused("key_reused".to_owned(), false),
        );
        assert_eq!(counts.flaws.total(), 0);
        for (what, flaws) in controls() {
            assert_eq!(flaws, 1, "{what}");
        }
    }
}
