//! Trial 6: PostgreSQL ends as in a crash and is started again at once, every few seconds, while
//! publishers post and a ring of correspondents sends messages. The server lives through all of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::Trying;
use super::askers::Askers;
use super::everybody::Everybody;
use crate::chaos::life::Life;
use crate::chaos::outcome::Outcome;
use crate::chaos::readiness::Readiness;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::Clock;
use crate::figures::Latencies;

/// Between two crashes.
const EVERY: Duration = Duration::from_secs(5);
const EVERY_SHORT: Duration = Duration::from_secs(1);
/// How long it is away for once, in the end: longer than `/ready` waits for an answer of the database.
/// What is over before that may only be seen by an answer of `/ready` that takes as long.
const AWAY: Duration = Duration::from_secs(3);
/// How much longer nobody may be acknowledged than PostgreSQL itself is away, to sync its files, to
/// read what it had written last and to listen again.
const LATE_MS_MAX: f64 = 2_000.0;
/// How long it may take until it says that it is ready again.
const READY_WITHIN: Duration = Duration::from_secs(5);
/// Crashes in which a server that acknowledges early must be found out.
const CONTROL_TRIES: usize = 5;
/// Of writing, before and after each of them.
const CONTROL_WRITES: Duration = Duration::from_millis(500);

/// What came of all crashes.
#[derive(Debug)]
struct Sum {
    restarts: usize,
    unavailable: Latencies,
    /// From the crash until PostgreSQL answers again.
    away: Latencies,
    /// The longest time by which the one was longer than the other, in nanoseconds.
    late: u64,
    /// Restarts after which `/ready` had said that it is not.
    shown: u64,
    /// Whether the long one at the end was among them.
    is_shown: bool,
    ready_slowest_ms: f64,
    ready_unanswered: u64,
}

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new("SIGQUIT to PostgreSQL, which recovers at its start");
        let mut sum = Sum {
            restarts: 0,
            unavailable: Latencies::new(),
            away: Latencies::new(),
            late: 0,
            shown: 0,
            is_shown: false,
            ready_slowest_ms: 0.0,
            ready_unanswered: 0,
        };
        let mut everybody = Everybody::begin(&setting, Start::new).await?;
        let mut askers = Askers::new();
        let restarts = async |server: &mut Server, life: &Arc<Life>| {
            askers.enter(server).await?;
            let asking = askers.send_out(server, life)?;
            sum.go(&setting, server, life).await?;
            askers.come_home(asking).await?;
            askers.judge(server).await
        };
        everybody.live(true, restarts).await?;
        sum.tell(&mut outcome);
        askers.tell(&mut outcome, 0.0);
        setting.at("reading everything again");
        everybody.settle().await?;
        let flaws = everybody.judge().await?;
        everybody.tell(&mut outcome, flaws);
        everybody.tell_refusals(&mut outcome);
        if let Err(why) = control(&setting, &mut outcome).await {
            outcome.flaw(format!("the control could not be made: {why}"));
        }
        Ok(outcome)
    })
}

impl Sum {
    /// Crashes it again and again under one life of the server.
    async fn go(
        &mut self,
        setting: &Setting,
        server: &mut Server,
        life: &Life,
    ) -> Result<(), String> {
        let every = if setting.is_short() {
            EVERY_SHORT
        } else {
            EVERY
        };
        let readiness = Readiness::begin(server)?;
        tokio::time::sleep(every).await;
        while setting.more_rounds(self.restarts, 2, 60) {
            setting.at(format!("restarts {}", self.restarts));
            readiness.was_unready();
            life.measure_silence();
            let clock = Clock::start();
            setting.postgres().crash(Duration::ZERO).await?;
            let away = clock.nanos();
            tokio::time::sleep(every).await;
            self.restarts += 1;
            let unavailable = life.longest_silence();
            self.late = self.late.max(unavailable.saturating_sub(away));
            self.away.record(away);
            self.unavailable.record(unavailable);
            readiness.until_ready(READY_WITHIN).await?;
            self.shown += u64::from(readiness.was_unready());
            if let Some(status) = server.ended()? {
                return Err(format!("the server ended: {status}"));
            }
        }
        setting.postgres().crash(AWAY).await?;
        readiness.until_ready(READY_WITHIN).await?;
        self.is_shown = readiness.was_unready();
        self.ready_slowest_ms = readiness.slowest_ms();
        self.ready_unanswered = readiness.unanswered();
        Ok(())
    }

    fn tell(&self, outcome: &mut Outcome) {
        let (unavailable, away) = (self.unavailable.quantiles(), self.away.quantiles());
        outcome.figure("restarts", self.restarts);
        outcome.figure(
            "unavailable per restart, p50 ms",
            unavailable.p50_ms.round(),
        );
        outcome.figure("p99 ms", unavailable.p99_ms.round());
        outcome.figure("the longest ms", unavailable.max_ms.round());
        outcome.figure("PostgreSQL itself away, p50 ms", away.p50_ms.round());
        outcome.figure("its longest ms", away.max_ms.round());
        let late = self.late as f64 / 1e6;
        outcome.at_most("longer than PostgreSQL by ms", late.round(), LATE_MS_MAX);
        outcome.figure("restarts that /ready said", self.shown);
        if !self.is_shown {
            outcome.flaw(format!(
                "/ready did not say that PostgreSQL was away for {AWAY:?}"
            ));
        }
        outcome.must_be_zero("/ready without an answer", self.ready_unanswered);
        outcome.figure("/ready, the slowest ms", self.ready_slowest_ms.round());
    }
}

/// A server that acknowledges before the commit loses what it holds when its database is away, and
/// when it is ended.
async fn control(setting: &Setting, outcome: &mut Outcome) -> Result<(), String> {
    setting.at("the control: a server that acknowledges early");
    let broken = |setting: &Setting, folder: &Path| {
        Start::new(setting, folder)?.broken("acknowledges-early")
    };
    let mut everybody = Everybody::begin(setting, broken).await?;
    while everybody.flaws().lost == 0 && everybody.kills < CONTROL_TRIES {
        let crash = async |_: &mut Server, _: &Arc<Life>| {
            tokio::time::sleep(CONTROL_WRITES).await;
            setting.postgres().crash(Duration::ZERO).await?;
            tokio::time::sleep(CONTROL_WRITES).await;
            Ok(())
        };
        everybody.live(true, crash).await?;
        everybody.look_for_posts().await?;
    }
    let (lost, crashes) = (everybody.flaws().lost, everybody.kills);
    let found = format!(
        "lost {lost} of {} after {crashes} crashes of PostgreSQL",
        everybody.acknowledged()
    );
    outcome.control(
        "a server that acknowledges before the commit",
        found,
        lost > 0,
    );
    Ok(())
}
