//! Making the requests again, and holding the answers against each other.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use tokio::task::{JoinError, JoinSet};

use super::below;
use super::cases::{Case, Cases};
use super::counts::Counts;
use crate::chaos::diary::{Diary, Fact};
use crate::chaos::outcome::Outcome;
use crate::chaos::request::{Door, Request, Told, Way};
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
const SEVERAL: usize = 3;

/// The figures of all rounds.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) rounds: usize,
    pub(super) days: usize,
    requests: u64,
    counts: Counts,
    flaws_in_the_store: u64,
}

impl Sum {
    pub(super) fn add(&mut self, stage: Stage<'_>) {
        self.counts.add(stage.counts);
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
    diary: &'a Diary,
    counts: Counts,
}

/// Which case, and how it was answered.
type Answered = (usize, Result<Told, String>);

impl<'a> Stage<'a> {
    pub(super) fn new(
        setting: &'a Setting,
        http: &'a reqwest::Client,
        random: &'a mut StdRng,
        diary: &'a Diary,
    ) -> Self {
        Self {
            setting,
            http,
            random,
            diary,
            counts: Counts::default(),
        }
    }

    /// Each is asked, by whoever leaves without an answer.
    pub(super) async fn lose(&mut self, server: &Server, cases: &[Case]) -> Result<(), String> {
        let mut leaving = self.leave(server, cases).await?;
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
        let leaving = self.leave(server, cases).await?;
        let after = below(self.random, within_millis);
        tokio::time::sleep(Duration::from_millis(after)).await;
        // Some have not even connected.
        drop(leaving);
        Ok(())
    }

    async fn leave(
        &mut self,
        server: &Server,
        cases: &[Case],
    ) -> Result<JoinSet<Result<(), String>>, String> {
        for case in cases {
            self.is_about_to_ask(&case.request)?;
        }
        self.diary.synced().await?;
        let mut leaving = JoinSet::new();
        for case in cases {
            let door = Door::of(server, self.http, &case.request.by)?;
            let (request, way) = (case.request.clone(), self.way());
            // Some at once.
            let wait = below(self.random, LEAVES_WITHIN_MICROS);
            let wait = Duration::from_micros(if wait.is_multiple_of(3) { 0 } else { wait });
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
                    self.hear(cases, asking.join_next().await).await?;
                }
                let request = cases.0[number].request.clone();
                self.is_about_to_ask(&request)?;
                self.diary.synced().await?;
                let door = Door::of(server, self.http, &request.by)?;
                let way = self.way();
                asking.spawn(async move { (number, door.ask(&request, way).await) });
            }
        }
        while let Some(answered) = asking.join_next().await {
            self.hear(cases, Some(answered)).await?;
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
            self.is_about_to_ask(&case.request)?;
            self.diary.synced().await?;
            for told in door.ask_twice(&case.request).await? {
                self.believe(case, told).await?;
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
                self.believe(case, told).await?;
                if case.receipt.is_some() {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            if case.receipt.is_none() {
                return Err(format!("{:?} is refused for ever", case.request));
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

    fn is_about_to_ask(&self, request: &Request) -> Result<(), String> {
        let (by, key) = (request.by.clone(), request.key.clone());
        self.diary.add(&Fact::Asked { by, key })
    }

    /// An answer counts as soon as it is written down.
    async fn believe(&mut self, case: &mut Case, told: Told) -> Result<(), String> {
        if let Told::Receipt(receipt, _) = &told {
            self.diary.add(&Fact::Receipt {
                by: case.request.by.clone(),
                key: case.request.key.clone(),
                receipt: receipt.clone(),
            })?;
            self.diary.synced().await?;
        }
        self.counts.hear(case, told);
        Ok(())
    }

    async fn hear(
        &mut self,
        cases: &mut Cases,
        answered: Option<Result<Answered, JoinError>>,
    ) -> Result<(), String> {
        let Some(answered) = answered else {
            return Ok(());
        };
        let (number, told) = answered.map_err(|why| format!("asking failed: {why}"))?;
        self.believe(&mut cases.0[number], told?).await?;
        let (repeats, flaws) = (self.counts.repeats, self.counts.flaws.total());
        self.setting.at(format!("repeats {repeats}, flaws {flaws}"));
        Ok(())
    }
}
