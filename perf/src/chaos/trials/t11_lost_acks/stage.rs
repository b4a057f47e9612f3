//! Making the requests again, and holding the answers against each other.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::task::{JoinError, JoinSet};

use super::below;
use super::cases::{Case, Cases};
use crate::chaos::outcome::Outcome;
use crate::chaos::request::{Door, Request, Told, Way, What};
use crate::chaos::server::Server;
use crate::chaos::setting::Setting;

/// Requests under way at once.
const AT_ONCE: usize = 16;
/// How often one is made that is refused for now, and how long is waited in between.
const TRIES_MAX: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);
/// How long one waits at most before it leaves without an answer.
const LEAVES_WITHIN_MICROS: u64 = 15_000;
/// Repeats at the same time.
const SEVERAL: usize = 4;

/// The figures of all rounds.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) rounds: usize,
    pub(super) days: usize,
    requests: u64,
    counts: Counts,
    flaws_in_the_store: u64,
}

/// What was counted.
#[derive(Debug, Default)]
struct Counts {
    lost: u64,
    repeats: u64,
    refused_for_now: u64,
    misuses: u64,
    flaws: Flaws,
}

#[derive(Debug, Default)]
struct Flaws {
    /// Receipts that differ from the first one.
    differ: u64,
    /// Requests that were carried out a second time, by what was said.
    firsts: u64,
    /// Repeats that were refused.
    refused: u64,
    /// Misused keys that were not refused as such.
    misuses: u64,
    told: Vec<String>,
}

impl Flaws {
    const fn total(&self) -> u64 {
        self.differ + self.firsts + self.refused + self.misuses
    }
}

impl Sum {
    pub(super) fn add(&mut self, stage: Stage<'_>) {
        let counts = stage.counts;
        self.counts.lost += counts.lost;
        self.counts.repeats += counts.repeats;
        self.counts.refused_for_now += counts.refused_for_now;
        self.counts.misuses += counts.misuses;
        let (sum, flaws) = (&mut self.counts.flaws, counts.flaws);
        sum.differ += flaws.differ;
        sum.firsts += flaws.firsts;
        sum.refused += flaws.refused;
        sum.misuses += flaws.misuses;
        sum.told.extend(flaws.told);
    }

    /// What is in the store when all is over.
    pub(super) async fn look(&mut self, server: &Server, cases: &Cases) -> Result<(), String> {
        self.requests += cases.0.len() as u64;
        self.flaws_in_the_store += cases.flaws_in_the_store(server).await?;
        Ok(())
    }

    pub(super) const fn stored_twice(&self) -> u64 {
        self.flaws_in_the_store + self.counts.flaws.firsts
    }

    pub(super) const fn receipts_that_differ(&self) -> u64 {
        self.counts.flaws.differ
    }

    pub(super) fn tell(&self, outcome: &mut Outcome) {
        let counts = &self.counts;
        outcome.figure("requests", self.requests);
        outcome.figure("answers not waited for", counts.lost);
        outcome.figure("repeats", counts.repeats);
        outcome.figure("refused for now", counts.refused_for_now);
        outcome.figure("days later", self.days);
        outcome.must_be_zero("duplicates", self.stored_twice());
        outcome.must_be_zero("receipts that differ", self.receipts_that_differ());
        outcome.must_be_zero("repeats refused", counts.flaws.refused);
        outcome.figure("misused keys", counts.misuses);
        outcome.must_be_zero("misused keys not refused", counts.flaws.misuses);
        for told in &counts.flaws.told {
            outcome.flaw(told);
        }
    }
}

/// One round's way of asking.
pub(super) struct Stage<'a> {
    setting: &'a Setting,
    http: &'a reqwest::Client,
    random: &'a mut StdRng,
    counts: Counts,
}

/// Which case, and how it was answered.
type Answered = (usize, Result<Told, String>);

impl<'a> Stage<'a> {
    pub(super) fn new(
        setting: &'a Setting,
        http: &'a reqwest::Client,
        random: &'a mut StdRng,
    ) -> Self {
        Self {
            setting,
            http,
            random,
            counts: Counts::default(),
        }
    }

    /// Each is asked, by whoever leaves without an answer.
    pub(super) async fn lose(&mut self, server: &Server, cases: &[Case]) -> Result<(), String> {
        let mut leaving = self.leave(server, cases)?;
        while let Some(left) = leaving.join_next().await {
            left.map_err(|why| format!("asking failed: {why}"))??;
        }
        Ok(())
    }

    /// The same, and the server is about to be killed in the middle of it.
    pub(super) async fn lose_while(
        &mut self,
        server: &Server,
        cases: &[Case],
        within_millis: u64,
    ) -> Result<(), String> {
        let leaving = self.leave(server, cases)?;
        let after = below(self.random, within_millis);
        tokio::time::sleep(Duration::from_millis(after)).await;
        // Some have not even connected.
        drop(leaving);
        Ok(())
    }

    fn leave(
        &mut self,
        server: &Server,
        cases: &[Case],
    ) -> Result<JoinSet<Result<(), String>>, String> {
        let mut leaving = JoinSet::new();
        for case in cases {
            let door = Door::of(server, self.http, &case.request.by)?;
            let (request, way) = (case.request.clone(), self.way());
            // Some at once.
            let wait = below(self.random, LEAVES_WITHIN_MICROS);
            let wait = Duration::from_micros(if wait % 3 == 0 { 0 } else { wait });
            leaving.spawn(async move { door.ask_and_leave(&request, way, wait).await });
            self.counts.lost += 1;
        }
        Ok(leaving)
    }

    /// Each is asked once more.
    pub(super) async fn again(&mut self, server: &Server, cases: &mut Cases) -> Result<(), String> {
        self.all(server, cases, 1).await
    }

    /// Each is asked by several at the same time.
    pub(super) async fn several(
        &mut self,
        server: &Server,
        cases: &mut Cases,
    ) -> Result<(), String> {
        self.all(server, cases, SEVERAL).await
    }

    async fn all(
        &mut self,
        server: &Server,
        cases: &mut Cases,
        times: usize,
    ) -> Result<(), String> {
        let mut asking: JoinSet<Answered> = JoinSet::new();
        let all = cases.0.len();
        for number in 0..all {
            for _ in 0..times {
                if asking.len() >= AT_ONCE {
                    self.hear(cases, asking.join_next().await)?;
                }
                let request = cases.0[number].request.clone();
                let door = Door::of(server, self.http, &request.by)?;
                let way = self.way();
                asking.spawn(async move { (number, door.ask(&request, way).await) });
            }
        }
        while let Some(answered) = asking.join_next().await {
            self.hear(cases, Some(answered))?;
        }
        self.ask_refused(server, cases).await
    }

    /// Each twice, over one session.
    pub(super) async fn twice_in_a_session(
        &mut self,
        server: &Server,
        cases: &mut Cases,
    ) -> Result<(), String> {
        for case in &mut cases.0 {
            let door = Door::of(server, self.http, &case.request.by)?;
            for told in door.ask_twice(&case.request).await? {
                self.counts.hear(case, told);
            }
        }
        self.ask_refused(server, cases).await
    }

    /// What was refused for now, and has no receipt yet, is asked until it is answered.
    async fn ask_refused(&mut self, server: &Server, cases: &mut Cases) -> Result<(), String> {
        for case in cases.0.iter_mut().filter(|case| case.receipt.is_none()) {
            let door = Door::of(server, self.http, &case.request.by)?;
            for _ in 0..TRIES_MAX {
                let told = door.ask(&case.request, Way::Rest).await?;
                self.counts.hear(case, told);
                if case.receipt.is_some() {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Each key with another body must be refused.
    pub(super) async fn misuse(&mut self, server: &Server, cases: &Cases) -> Result<(), String> {
        for case in &cases.0 {
            let request = case.request.misused();
            let door = Door::of(server, self.http, &request.by)?;
            let told = door.ask(&request, self.way()).await?;
            self.counts.hear_misuse(&request, &told);
        }
        Ok(())
    }

    fn way(&mut self) -> Way {
        if self.random.random_bool(0.5) {
            Way::Session
        } else {
            Way::Rest
        }
    }

    fn hear(
        &mut self,
        cases: &mut Cases,
        answered: Option<Result<Answered, JoinError>>,
    ) -> Result<(), String> {
        let Some(answered) = answered else {
            return Ok(());
        };
        let (number, told) = answered.map_err(|why| format!("asking failed: {why}"))?;
        self.counts.hear(&mut cases.0[number], told?);
        let (repeats, flaws) = (self.counts.repeats, self.counts.flaws.total());
        self.setting.at(format!("repeats {repeats}, flaws {flaws}"));
        Ok(())
    }
}

impl Counts {
    fn hear(&mut self, case: &mut Case, told: Told) {
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

    fn hear_misuse(&mut self, request: &Request, told: &Told) {
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
