//! Trial 14: one message of a hundred cannot be borne by its recipient, which says that it failed or
//! dies of it, again and again. Nobody else is to notice.

mod pair;
mod poisoned;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bridge_core::message::Stage;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Trying;
use crate::chaos::crowd::all;
use crate::chaos::http;
use crate::chaos::mail::Mailer;
use crate::chaos::outcome::Outcome;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::figures::{Latencies, Spread};
use pair::{Pair, Seen, Shared};

/// The share of their throughput that the others keep. Where the tests run, others disturb the rounds
/// more than that.
const KEPT: f64 = 0.95;
const KEPT_WHERE_BUSY: f64 = 0.6;
/// How long a message of the others may take: none of them has to wait for anything.
const LATE: Duration = Duration::from_secs(2);
const LATE_WHERE_BUSY: Duration = Duration::from_secs(10);
/// Until a message has ended that waits for its last attempt.
const ENDS_WITHIN_SECONDS: u64 = 50;
const LOOKED_AT_AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new("the same pairs without poison and with it, alternately");
        let folder = setting.folder()?;
        // So that a dead letter is one after five seconds, or after 35.
        let attempts = setting.pick(2, 3);
        let server = Start::new(&setting, folder.path())?
            .set("messages.attempts", attempts.to_string())
            .go()?;
        Trial::new(&setting, &server).go(&mut outcome).await?;
        Ok(outcome)
    })
}

struct Trial<'a> {
    setting: &'a Setting,
    server: &'a Server,
    shared: Arc<Shared>,
    pairs: usize,
    /// Of one measurement.
    time: Duration,
}

/// Messages a second, without poison and with it, round by round.
#[derive(Debug, Default)]
struct Rates {
    without: Vec<f64>,
    with: Vec<f64>,
}

impl<'a> Trial<'a> {
    fn new(setting: &'a Setting, server: &'a Server) -> Self {
        // So many that one has got over its poison before it gets more.
        let victims = setting.pick(64, 1_000) as u64;
        let late = if setting.is_short() {
            LATE_WHERE_BUSY
        } else {
            LATE
        };
        Self {
            setting,
            server,
            shared: Arc::new(Shared::new(victims, late)),
            pairs: setting.pick(12, 48),
            time: Duration::from_millis(setting.pick(1_000, 5_000) as u64),
        }
    }

    async fn go(&self, outcome: &mut Outcome) -> Result<(), String> {
        let http = http::client()?;
        let mailer = |name: String| Mailer::new(&http, self.server, &name);
        let (stop_pairs, stopping) = watch::channel(false);
        let (stop_victims, suffering) = watch::channel(false);
        let mut pairs = Vec::new();
        for n in 0..self.pairs {
            let (sender, receiver) = (mailer(format!("from-{n}"))?, mailer(format!("to-{n}"))?);
            pairs.push(Pair::meet(&sender, &receiver, Arc::clone(&self.shared)).await?);
        }
        let talking = pairs.into_iter().map(|pair| pair.talk(stopping.clone()));
        let talking = tokio::spawn(all(talking.collect(), PATIENCE * 10));
        let victims = (0..self.shared.victims).map(|n| mailer(poisoned::name(n)));
        let victims = victims.collect::<Result<Vec<Mailer>, _>>()?;
        let suffer = (0..).zip(&victims).map(|(n, victim)| {
            let dies_of_it = n % 2 == 1;
            poisoned::suffer(victim.clone(), dies_of_it, suffering.clone())
        });
        let sufferers = tokio::spawn(all(suffer.collect(), PATIENCE * 10));
        let rates = self.measure().await;
        stop_pairs.send_replace(true);
        let seen = talking.await.map_err(|why| why.to_string())??;
        self.setting.at("waiting for the last attempts");
        self.tell_poison(outcome, &victims).await?;
        stop_victims.send_replace(true);
        let times = sufferers.await.map_err(|why| why.to_string())??;
        outcome.figure("handed over", times.iter().sum::<u64>());
        self.tell_others(outcome, &seen, &rates);
        Ok(())
    }

    /// Lets the pairs talk, by turns without poison and with it.
    async fn measure(&self) -> Rates {
        let mut rates = Rates::default();
        sleep(self.time / 4).await;
        let mut rounds = 0;
        while self.setting.more_rounds(rounds, 3, 9) {
            // Which one is first changes, so that neither has the better time.
            for is_poisoned in [rounds % 2 == 1, rounds % 2 == 0] {
                self.setting
                    .at(if is_poisoned { "poison" } else { "no poison" });
                self.shared
                    .is_poisoned
                    .store(is_poisoned, Ordering::Relaxed);
                sleep(self.time / 4).await;
                let (clock, done) = (self.shared.clock, &self.shared.done);
                let (since, before) = (clock.nanos(), done.load(Ordering::Relaxed));
                sleep(self.time).await;
                let took = (clock.nanos() - since) as f64 / 1e9;
                let rate = (done.load(Ordering::Relaxed) - before) as f64 / took;
                match is_poisoned {
                    true => rates.with.push(rate),
                    false => rates.without.push(rate),
                }
            }
            rounds += 1;
        }
        self.shared.is_poisoned.store(false, Ordering::Relaxed);
        rates
    }

    /// Every poison ended as one dead letter, and nothing else did.
    async fn tell_poison(&self, outcome: &mut Outcome, victims: &[Mailer]) -> Result<(), String> {
        let sent = self.shared.sent();
        let poison = stages(victims, &sent.poison).await?;
        let innocent = stages(victims, &sent.innocent).await?;
        let mut letters: HashMap<String, u64> = HashMap::new();
        for victim in victims {
            for letter in victim.dead_letters().await? {
                *letters.entry(letter.id).or_default() += 1;
            }
        }
        let others = |stages: &[Stage], wanted: Stage| {
            stages.iter().filter(|stage| **stage != wanted).count() as u64
        };
        outcome.figure("poison", poison.len());
        outcome.must_be_zero(
            "poison that is no dead letter",
            others(&poison, Stage::Dead),
        );
        let ids = || sent.poison.iter().map(|(id, _)| id);
        let wrong = ids().filter(|id| letters.get(*id) != Some(&1)).count();
        outcome.must_be_zero("poison without one letter", wrong as u64);
        outcome.figure("messages beside it", innocent.len());
        outcome.must_be_zero("beside it, and not done", others(&innocent, Stage::Done));
        let strangers = letters
            .keys()
            .filter(|letter| ids().all(|id| id != *letter));
        outcome.must_be_zero("dead letters that were no poison", strangers.count() as u64);
        if poison.is_empty() {
            outcome.flaw("nobody was poisoned");
        }
        Ok(())
    }

    fn tell_others(&self, outcome: &mut Outcome, seen: &[Seen], rates: &Rates) {
        let sum = |of: fn(&Seen) -> u64| seen.iter().map(of).sum::<u64>();
        let median = |rates: &[f64]| Spread::of(rates.iter().copied()).map_or(0.0, |s| s.median);
        let pairs = rates.with.iter().zip(&rates.without);
        let ratios: Vec<f64> = pairs.map(|(with, without)| with / without).collect();
        let mut latencies = Latencies::new();
        seen.iter().for_each(|seen| latencies.add(&seen.latencies));
        outcome.figure("messages a second without", median(&rates.without).round());
        outcome.figure("with", median(&rates.with).round());
        let kept = if self.setting.is_short() {
            KEPT_WHERE_BUSY
        } else {
            KEPT
        };
        outcome.at_least("ratio", median(&ratios), kept);
        outcome.figure("of the others p99 ms", latencies.quantiles().p99_ms.round());
        outcome.figure("the longest ms", latencies.quantiles().max_ms.round());
        outcome.must_be_zero("of the others late", sum(|seen| seen.late));
        outcome.must_be_zero("refused", sum(|seen| seen.refused));
    }
}

/// What became of messages in the end, each as its recipient sees it.
async fn stages(victims: &[Mailer], messages: &[(String, u64)]) -> Result<Vec<Stage>, String> {
    let mut stages = Vec::with_capacity(messages.len());
    for some in messages.chunks(LOOKED_AT_AT_ONCE) {
        let mut looks = Vec::new();
        for (id, victim) in some {
            let known = usize::try_from(*victim).ok().and_then(|n| victims.get(n));
            let (victim, id) = (known.ok_or("an unknown victim")?.clone(), id.clone());
            looks.push(async move { victim.way(&id, ENDS_WITHIN_SECONDS).await });
        }
        stages.extend(all(looks, PATIENCE).await?.iter().map(|way| way.stage));
    }
    Ok(stages)
}
