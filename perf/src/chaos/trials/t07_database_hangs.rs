//! Trial 7: all processes of PostgreSQL are stopped for a while and go on later. Nobody closes a
//! connection and nobody answers, while publishers post, clients send messages, and others ask over
//! REST for more than the server's queues hold.

mod flood;

use std::sync::Arc;
use std::time::Duration;

use super::Trying;
use super::askers::Askers;
use super::everybody::Everybody;
use crate::chaos::life::Life;
use crate::chaos::memory::{Memory, Watch};
use crate::chaos::outcome::Outcome;
use crate::chaos::readiness::Readiness;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::{Clock, nanos};
use flood::Flood;

/// For how long it hangs: in the long form longer than the server takes to call its log stalled.
const HANGS: Duration = Duration::from_secs(12);
/// Longer than a read waits for its turn.
const HANGS_SHORT: Duration = Duration::from_secs(7);
/// Of usual load, before and between.
const USUAL: Duration = Duration::from_secs(2);
/// How long it may take after the hang until somebody is acknowledged, and until it is ready.
const HEALS_WITHIN: Duration = Duration::from_secs(5);
/// What its queues may hold: the drafts and the requests of sessions, with what each occupies.
const MEMORY_GROWS_MIB_MAX: f64 = 128.0;
const LOOKS_EVERY: Duration = Duration::from_millis(5);

/// What came of all hangs.
#[derive(Debug, Default)]
struct Sum {
    hangs: usize,
    did_not_flip: u64,
    healed_ms: f64,
    ready_slowest_ms: f64,
    ready_unanswered: u64,
    memory: Option<Memory>,
}

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let hangs = if setting.is_short() {
            HANGS_SHORT
        } else {
            HANGS
        };
        let form = format!("SIGSTOP to all processes of PostgreSQL, SIGCONT after {hangs:?}");
        let mut outcome = Outcome::new(form);
        let mut everybody = Everybody::begin(&setting, Start::new).await?;
        let mut flood = Flood::new(&setting)?;
        let mut askers = Askers::new();
        let mut sum = Sum::default();
        let work = async |server: &mut Server, life: &Arc<Life>| {
            flood.enter(server).await?;
            askers.enter(server).await?;
            let memory = Watch::begin(server.pid());
            let readiness = Readiness::begin(server)?;
            while setting.more_rounds(sum.hangs, 1, 5) {
                setting.at(format!("hangs {}", sum.hangs));
                let flooding = flood.send_out(server, life)?;
                let asking = askers.send_out(server, flooding.life())?;
                sum.hang(&setting, life, flooding.life(), &readiness, hangs)
                    .await?;
                tokio::time::sleep(USUAL).await;
                flood.come_home(flooding).await?;
                askers.come_home(asking).await?;
                if let Some(status) = server.ended()? {
                    return Err(format!("the server ended: {status}"));
                }
            }
            sum.ready_slowest_ms = readiness.slowest_ms();
            sum.ready_unanswered = readiness.unanswered();
            sum.memory = Some(memory.end(&setting).await);
            flood.judge(server).await?;
            askers.judge(server).await
        };
        everybody.live(true, work).await?;
        sum.tell(&mut outcome);
        flood.tell(&mut outcome);
        askers.tell(&mut outcome, 1.0);
        setting.at("reading everything again");
        everybody.settle().await?;
        let flaws = everybody.judge().await?;
        everybody.tell(&mut outcome, flaws);
        everybody.tell_refusals(&mut outcome);
        Ok(outcome)
    })
}

impl Sum {
    /// Once. It goes on again whatever happens meanwhile.
    async fn hang(
        &mut self,
        setting: &Setting,
        life: &Life,
        flood: &Life,
        readiness: &Readiness,
        hangs: Duration,
    ) -> Result<(), String> {
        tokio::time::sleep(USUAL).await;
        readiness.was_unready();
        setting.postgres().freeze(true).await?;
        flood.begin();
        tokio::time::sleep(hangs).await;
        setting.postgres().freeze(false).await?;
        let (thawed, clock) = (life.clock.nanos(), Clock::start());
        while life.last_acknowledgement() <= thawed && clock.nanos() < nanos(HEALS_WITHIN) {
            tokio::time::sleep(LOOKS_EVERY).await;
        }
        self.hangs += 1;
        self.healed_ms = self.healed_ms.max(clock.nanos() as f64 / 1e6);
        readiness.until_ready(HEALS_WITHIN).await?;
        self.did_not_flip += u64::from(!readiness.was_unready());
        Ok(())
    }

    fn tell(&self, outcome: &mut Outcome) {
        outcome.figure("hangs", self.hangs);
        let healed = HEALS_WITHIN.as_secs_f64() * 1e3;
        outcome.at_most("acknowledged again after ms", self.healed_ms, healed);
        outcome.must_be_zero("hangs that /ready did not show", self.did_not_flip);
        outcome.must_be_zero("/ready without an answer", self.ready_unanswered);
        outcome.figure("/ready, the slowest ms", self.ready_slowest_ms.round());
        if let Some(memory) = &self.memory {
            let grown = memory.during_kib.saturating_sub(memory.before_kib) as f64 / 1024.0;
            outcome.at_most("memory grown by MiB", grown, MEMORY_GROWS_MIB_MAX);
            outcome.figure(
                "peak memory MiB",
                (memory.during_kib as f64 / 1024.0).round(),
            );
        }
        outcome.memory = self.memory;
    }
}
