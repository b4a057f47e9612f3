//! Trial 4: an fsync or a write of the database fails with an I/O error, at any point from the
//! server's first one on. It must not acknowledge what it could not bring to the disk, and end.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use super::Trying;
use super::faulty_disk::publishers::{Progress, Publishers, Said};
use super::faulty_disk::verdict::{Promises, Verdict};
use super::faulty_disk::{
    Bench, EARLY, EARLY_MAX, FORM, Load, Workshop, judge_image, last_words, lying_disk,
};
use crate::chaos::machine::{Counts, Orders};
use crate::chaos::outcome::Outcome;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::{Clock, nanos};

const CLIENTS: usize = 16;
const ROOMS: usize = 4;
/// Posts of a run without a fault, by which it is known how many fsyncs and writes there are to fail.
const POSTS_SHORT: usize = 1_000;
const POSTS_LONG: usize = 10_000;
/// Until the fault must have come.
const FAULT_WITHIN: Duration = Duration::from_secs(60);
/// Until the server must have ended after it: longer than it waits for what is under way, twice.
const ENDED_WITHIN: Duration = Duration::from_secs(25);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// What the server's log says when it gives up, and what SQLite calls the fault.
const GIVES_UP: &str = "the log cannot be written any more";
const FAULT: &str = "disk I/O error";

/// How many operations there are in a run: those of the start, and all.
#[derive(Debug, Clone, Copy)]
struct Usual {
    start: Counts,
    all: Counts,
}

#[derive(Default)]
struct Sum {
    /// The fault of the server, if it is not the real one.
    server: Option<&'static str>,
    rounds: usize,
    of_fsyncs: u64,
    at_start: u64,
    acknowledged: u64,
    unanswered: u64,
    survived: u64,
    ended_well: u64,
    without_reason: u64,
    seconds_to_end: f64,
    verdict: Verdict,
    first: Option<String>,
}

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(io_errors(setting))
}

async fn io_errors(setting: Setting) -> Result<Outcome, String> {
    let workshop = match Workshop::open(&setting)? {
        Ok(workshop) => workshop,
        Err(why) => return Ok(Outcome::not_run(why)),
    };
    let mut random = setting.random(0);
    setting.at("counting");
    let load = Load {
        clients: CLIENTS,
        rooms: ROOMS,
        posts: setting.pick(POSTS_SHORT, POSTS_LONG) as u64,
    };
    let usual = count(&setting, &workshop, load).await?;
    let mut sum = Sum::default();
    while setting.more_rounds(sum.rounds, 4, 300) {
        let orders = fault(sum.rounds, usual, &mut random);
        setting.at(format!("{orders}"));
        sum.round(&setting, &workshop, &orders, &mut random).await?;
    }
    let mut outcome = Outcome::new(FORM);
    sum.tell(&mut outcome);
    let (found, has_failed) = lying_disk(&setting, &workshop, load, &mut random).await?;
    let hidden = "fsyncs fail and the server is not told";
    outcome.control(hidden, found, has_failed);
    setting.at("control: a server that acknowledges early");
    let mut early = Sum {
        server: Some(EARLY),
        ..Sum::default()
    };
    while early.rounds < EARLY_MAX && early.verdict.lost == 0 {
        // The faults of the start tell nothing: nobody is acknowledged anything then.
        let orders = fault(2, usual, &mut random);
        early
            .round(&setting, &workshop, &orders, &mut random)
            .await?;
    }
    let found = format!(
        "lost {} of {} in {} faults",
        early.verdict.lost, early.verdict.checked, early.rounds
    );
    let what = "a server that acknowledges before the commit";
    outcome.control(what, found, early.verdict.lost > 0);
    Ok(outcome)
}

/// A run without a fault.
async fn count(setting: &Setting, workshop: &Workshop, load: Load) -> Result<Usual, String> {
    let bench = Bench::new(setting, workshop, "counting")?;
    let server = bench.start(setting, None)?;
    let start = bench.control.counts()?;
    let mut publishers = Publishers::begin(&server, CLIENTS, ROOMS, None);
    publishers
        .until("every post", FAULT_WITHIN, |p| p.acknowledged >= load.posts)
        .await?;
    publishers.stop().await?;
    let all = bench.control.counts()?;
    Ok(Usual { start, all })
}

/// Fsyncs and writes take turns; every third fault is one of the start. Half of them go on.
fn fault(round: usize, usual: Usual, random: &mut StdRng) -> Orders {
    let is_start = round % 6 < 2;
    let mut within = |start: u64, all: u64| {
        let (from, to) = if is_start { (0, start) } else { (start, all) };
        random.random_range(from + 1..=to.max(from + 1))
    };
    let mut orders = Orders::default();
    if round.is_multiple_of(2) {
        orders.fail_fsync = Some(within(usual.start.fsyncs, usual.all.fsyncs));
    } else {
        orders.fail_write = Some(within(usual.start.writes, usual.all.writes));
    }
    orders.for_ever = random.random();
    orders
}

impl Sum {
    async fn round(
        &mut self,
        setting: &Setting,
        workshop: &Workshop,
        orders: &Orders,
        random: &mut StdRng,
    ) -> Result<(), String> {
        let mut bench = Bench::new(
            setting,
            workshop,
            &format!("{}-{}", self.server.unwrap_or("real"), self.rounds),
        )?;
        self.rounds += 1;
        self.of_fsyncs += u64::from(orders.fail_fsync.is_some());
        bench.control.order(orders)?;
        let said = match bench.start(setting, self.server) {
            Err(why) if has_failed(&bench)? => {
                self.at_start += 1;
                if !why.contains(FAULT) {
                    self.without_reason += 1;
                    self.note(|| format!("{orders}: {why}"));
                }
                Said::default()
            }
            Err(why) => return Err(why),
            Ok(server) => self.serving(&bench, server, orders).await?,
        };
        self.acknowledged += said.acknowledged();
        self.unanswered += said.unanswered;
        self.judge(setting, bench, said, random).await
    }

    /// Lets clients post until the fault comes and the server has ended.
    async fn serving(
        &mut self,
        bench: &Bench,
        server: Arc<Server>,
        orders: &Orders,
    ) -> Result<Said, String> {
        let journal = Some(bench.control.journal());
        let mut publishers = Publishers::begin(&server, CLIENTS, ROOMS, journal);
        let clock = Clock::start();
        while !has_failed(bench)? {
            if clock.nanos() > nanos(FAULT_WITHIN) {
                return Err(format!("{orders} was not reached within {FAULT_WITHIN:?}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let clock = Clock::start();
        let all = |p: &Progress| p.ended == CLIENTS;
        let alone = publishers.until("the end of all sessions", ENDED_WITHIN, all);
        let is_over = alone.await.is_ok();
        let said = publishers.stop().await?;
        let mut server = Arc::into_inner(server).ok_or("a publisher still has the server")?;
        if !is_over {
            self.survived += 1;
            self.note(|| format!("{orders}: the server went on: {}", last_words(&server)));
            return Ok(said);
        }
        let left = ENDED_WITHIN.saturating_sub(Duration::from_nanos(clock.nanos()));
        let status = match server.until_ended(left).await {
            Ok(status) => status,
            Err(why) => {
                self.survived += 1;
                self.note(|| format!("{orders}: {why}: {}", last_words(&server)));
                return Ok(said);
            }
        };
        self.seconds_to_end = self.seconds_to_end.max(clock.nanos() as f64 / 1e9);
        let log = server.log();
        let has_reason = log.contains(GIVES_UP) && log.contains(FAULT);
        let has_failed = status.code().is_some_and(|code| code != 0);
        self.without_reason += u64::from(!has_reason);
        self.ended_well += u64::from(!has_failed);
        if !has_reason || !has_failed {
            self.note(|| format!("{orders}: {status}: {}", last_words(&server)));
        }
        Ok(said)
    }

    /// What was acknowledged must be on the disk: on the files as they are now, and also after a
    /// power cut, when what could not be synced is gone.
    async fn judge(
        &mut self,
        setting: &Setting,
        bench: Bench,
        said: Said,
        random: &mut StdRng,
    ) -> Result<(), String> {
        let journal = bench.journal()?;
        let folder = bench.folder.path();
        let promises = Promises::new(said.told, said.refused);
        let end = journal.len();
        let (cut, _) = judge_image(setting, &journal, &promises, folder, end, random).await?;
        self.verdict.add(cut);
        let start = Start::new(setting, folder)?;
        self.verdict.add(promises.judge(start, folder, end).await?);
        Ok(())
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        self.first.get_or_insert_with(what);
    }

    fn tell(self, outcome: &mut Outcome) {
        outcome.figure("faults", self.rounds);
        outcome.figure("of_fsyncs", self.of_fsyncs);
        outcome.figure("at_the_start", self.at_start);
        outcome.figure("acknowledged", self.acknowledged);
        outcome.figure("unanswered", self.unanswered);
        self.verdict.tell(outcome);
        outcome.must_be_zero("went_on", self.survived);
        outcome.must_be_zero("exit_code_0_or_none", self.ended_well);
        outcome.must_be_zero("ended_without_the_reason", self.without_reason);
        let bound = ENDED_WITHIN.as_secs_f64();
        outcome.at_most("fault_to_end_seconds", self.seconds_to_end, bound);
        if let Some(first) = self.first {
            outcome.flaw(first);
        }
    }
}

fn has_failed(bench: &Bench) -> Result<bool, String> {
    let counts = bench.control.counts()?;
    Ok(counts.failed_fsyncs + counts.failed_writes > 0)
}
