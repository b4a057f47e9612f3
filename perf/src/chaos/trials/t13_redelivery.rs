//! Trial 13: receivers die, fall silent, fail and forget between delivery and acknowledgement, and the
//! server is killed in the middle of it.

mod found;
mod plan;
mod receiver;
mod sums;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bridge_core::message::Stage;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::Trying;
use crate::chaos::crowd::all;
use crate::chaos::http;
use crate::chaos::mail::{Mailer, send_all};
use crate::chaos::outcome::Outcome;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::Clock;
use plan::{Plan, Rules, Way};
use receiver::{Receiver, World};
use sums::Sums;

/// How much later than it is due a message may come again; and how much later the machine may let it
/// come where the tests run, which is busy.
const LATE: Duration = Duration::from_secs(1);
const LATE_WHERE_BUSY: Duration = Duration::from_secs(2);
/// The longest time that all receivers may take, beyond what they plan to.
const PATIENCE: Duration = Duration::from_secs(90);
/// Looking back at many messages at once.
const LOOKED_AT_AT_ONCE: usize = 16;
/// Before the sender comes back, or looks again.
const COMES_BACK_AFTER: Duration = Duration::from_millis(20);
/// How long the sender waits for a receipt that does not come.
const RECEIPT_WITHIN: Duration = Duration::from_secs(10);
/// Receivers of the control.
const CONTROLS: usize = 4;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let form = "cut sockets, silence, `failed`, calls without another, and kill -9";
        let mut outcome = Outcome::new(form);
        let trial = Trial::new(&setting);
        let mut sums = Sums::default();
        let mut rounds = 0;
        while setting.more_rounds(rounds, 1, 3) {
            let folder = setting.folder()?;
            setting.at(format!("round {}", rounds + 1));
            let round = trial.round(&setting, folder.path(), rounds as u64, &mut sums);
            if rounds > 0 {
                round.await?;
            } else {
                let (round, found) = tokio::join!(round, trial.control(&setting));
                round?;
                tell_control(&mut outcome, &found?);
            }
            rounds += 1;
        }
        sums.tell(&mut outcome);
        Ok(outcome)
    })
}

struct Trial {
    rules: Rules,
    receivers: usize,
    /// The most that one of them may have to wait.
    longest: Duration,
    kills: u32,
}

impl Trial {
    fn new(setting: &Setting) -> Self {
        let seconds = Duration::from_secs;
        Self {
            rules: Rules {
                lease: seconds(2),
                call_lease: seconds(2),
                attempts: setting.pick(3, 4),
                late: if setting.is_short() {
                    LATE_WHERE_BUSY
                } else {
                    LATE
                },
            },
            receivers: setting.pick(120, 600),
            longest: seconds(setting.pick(8, 75) as u64),
            kills: setting.pick(1, 4) as u32,
        }
    }

    fn start(&self, setting: &Setting, folder: &Path) -> Result<Start, String> {
        let seconds = |span: Duration| span.as_secs().to_string();
        let start = Start::new(setting, folder)?
            .set("messages.lease_seconds", seconds(self.rules.lease))
            .set(
                "messages.call_lease_seconds",
                seconds(self.rules.call_lease),
            )
            .set("messages.attempts", self.rules.attempts.to_string());
        Ok(start)
    }

    async fn round(
        &self,
        setting: &Setting,
        folder: &Path,
        number: u64,
        sums: &mut Sums,
    ) -> Result<(), String> {
        let server = self.start(setting, folder)?.go()?;
        let http = http::client()?;
        let sender = Mailer::new(&http, &server, "sender")?;
        let (life, lives) = watch::channel(0);
        let world = World {
            clock: Clock::start(),
            rules: self.rules,
            life: lives,
        };
        let names: Vec<String> = (0..self.receivers).map(|n| format!("to-{n}")).collect();
        let ids = send(&sender, &names).await?;
        let mut random = setting.random(number);
        let mut receivers = Vec::new();
        for (name, id) in names.iter().zip(&ids) {
            let mailer = Mailer::new(&http, &server, name)?;
            let plan = Plan::draw(&mut random, &self.rules, self.longest);
            receivers.push(Receiver::new(mailer, id.clone(), plan, world.clone()).run());
        }
        let heard = Heard::default();
        let lives = world.life.clone();
        let hearing = tokio::spawn(hear_ends(sender.clone(), lives, Arc::clone(&heard)));
        let (receivers, server) = tokio::try_join!(
            all(receivers, self.longest + PATIENCE),
            self.kill(setting, server, &life),
        )?;
        let dead = self.look_back(&sender, &receivers, sums).await?;
        sums.receipts_missing += not_told(&heard, &dead).await;
        hearing.abort();
        sums.kills += u64::from(self.kills);
        drop(server);
        Ok(())
    }

    /// Kills the server again and again, in the middle of leases.
    async fn kill(
        &self,
        setting: &Setting,
        mut server: Server,
        life: &watch::Sender<u32>,
    ) -> Result<Server, String> {
        let between = (self.longest / (self.kills + 1)).min(Duration::from_secs(12));
        for number in 1..=self.kills {
            sleep(between.min(self.rules.lease * 3 / 2)).await;
            setting.at(format!("kill {number}"));
            server = server.kill().go()?;
            life.send_replace(number);
            sleep(between.saturating_sub(self.rules.lease * 3 / 2)).await;
        }
        Ok(server)
    }

    /// Holds what everybody found against what the server has written down. Returns what is dead.
    async fn look_back(
        &self,
        sender: &Mailer,
        receivers: &[Receiver],
        sums: &mut Sums,
    ) -> Result<Vec<String>, String> {
        let mut dead = BTreeMap::new();
        for some in receivers.chunks(LOOKED_AT_AT_ONCE) {
            let ways = some.iter().map(|receiver| {
                let (sender, id) = (sender.clone(), receiver.id.clone());
                async move { sender.way(&id, 0).await }
            });
            for (receiver, way) in some.iter().zip(all(ways.collect(), PATIENCE).await?) {
                sums.add(receiver, &way, &self.rules)?;
                if way.stage == Stage::Dead {
                    let failures = way.history.last().map_or(0, |last| last.failures.len());
                    let name = receiver.mailer.name.clone();
                    dead.insert(receiver.id.clone(), (name, failures));
                }
            }
        }
        let letters = sender.dead_letters().await?;
        sums.flaws.look_at_letters(&letters, &dead);
        sums.dead += dead.len() as u64;
        Ok(dead.into_keys().collect())
    }

    /// Leases that last longer than the receivers are told must be found to be late.
    async fn control(&self, setting: &Setting) -> Result<[u64; 2], String> {
        let folder = setting.folder()?;
        let longer = Self {
            rules: Rules {
                lease: self.rules.lease * 5 / 2,
                ..self.rules
            },
            ..*self
        };
        let server = longer.start(setting, folder.path())?.go()?;
        let http = http::client()?;
        let sender = Mailer::new(&http, &server, "sender")?;
        let names: Vec<String> = (0..CONTROLS).map(|n| format!("to-{n}")).collect();
        let ids = send(&sender, &names).await?;
        let (_life, lives) = watch::channel(0);
        let world = World {
            clock: Clock::start(),
            rules: self.rules,
            life: lives,
        };
        let mut receivers = Vec::new();
        for (name, id) in names.iter().zip(ids) {
            let mailer = Mailer::new(&http, &server, name)?;
            let plan = Plan(vec![Way::Silent]);
            receivers.push(Receiver::new(mailer, id, plan, world.clone()).run());
        }
        let found = all(receivers, PATIENCE).await?;
        Ok([found.iter().map(sums::late_ones).sum(), CONTROLS as u64])
    }
}

fn tell_control(outcome: &mut Outcome, [late, of]: &[u64; 2]) {
    outcome.control(
        "leases of five seconds, and receivers that are told of two",
        format!("{late} of {of} late"),
        late == of,
    );
}

/// One message to each, which is kept until they come.
async fn send(sender: &Mailer, names: &[String]) -> Result<Vec<String>, String> {
    let mut peer = sender.silent().await?;
    let frame = |name: &String| json!({"type": "send", "to": name, "text": name, "keep": true});
    let frames: Vec<_> = names.iter().map(frame).collect();
    let stored = send_all(&mut peer, &frames).await?;
    let ids = stored.iter().map(|stored| stored["id"].as_str());
    let ids = ids.map(|id| id.map(str::to_owned).ok_or("a receipt without an id"));
    ids.collect::<Result<_, _>>().map_err(str::to_owned)
}

/// Which messages the sender was told to be dead.
type Heard = Arc<Mutex<BTreeSet<String>>>;

/// Whoever panicked while it held the set has left a whole one.
fn lock(heard: &Heard) -> MutexGuard<'_, BTreeSet<String>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens for receipts of dead letters, over all lives of the server, until there is no other.
async fn hear_ends(sender: Mailer, mut life: watch::Receiver<u32>, heard: Heard) {
    let listening = async {
        loop {
            if let Ok(mut peer) = sender.session().await {
                // To the last frame, also of a server that was killed.
                while let Ok(frame) = peer.came().await {
                    if frame["type"] == "receipt" && frame["stage"] == "dead" {
                        let id = frame["id"].as_str().unwrap_or_default();
                        lock(&heard).insert(id.to_owned());
                    }
                }
            }
            sleep(COMES_BACK_AFTER).await;
        }
    };
    let over = async { while life.changed().await.is_ok() {} };
    tokio::select! {
        () = listening => {}
        () = over => {}
    }
}

/// How many of the dead the sender is not told of.
async fn not_told(heard: &Heard, dead: &[String]) -> u64 {
    let missing = || {
        let heard = lock(heard);
        dead.iter().filter(|id| !heard.contains(*id)).count() as u64
    };
    let all = async {
        while missing() > 0 {
            sleep(COMES_BACK_AFTER).await;
        }
    };
    // It is late, or it does not come.
    drop(timeout(RECEIPT_WITHIN, all).await);
    missing()
}
