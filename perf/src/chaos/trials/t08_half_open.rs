//! Trial 8: clients that are gone without a word, while the server still has a connection to them.

mod clients;
mod looks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::client::RestClient;
use serde_json::json;
use tokio::sync::watch;

use super::Trying;
use crate::chaos::crowd::all;
use crate::chaos::log_tail::{LogTail, SHOW_ENDS, ended, written_at};
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::Peer;
use crate::chaos::server::Start;
use crate::chaos::setting::Setting;
use crate::clock::{Clock, nanos};
use crate::figures::Latencies;
use crate::socket::CAN_CUT;
use clients::{Back, Gone, World};
use looks::online;

/// What the timers of a busy machine add; less than a third heartbeat.
const SLACK: Duration = Duration::from_millis(500);
/// How long a client that is back may wait for what it had: the first time it is due at once.
const BACK_WITHIN: Duration = Duration::from_secs(2);
/// The longest time that a step may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at the log, at messages and at members.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Messages to each of those who hold some.
const MESSAGES: usize = 8;
/// Recipients of one message at most.
const LIST_MAX: usize = 100;
/// What those read who are in the middle of catching up: more than the server keeps for them.
const ARCHIVE_POSTS: usize = 800;
const ARCHIVE_POST_CHARS: usize = 8_000;
/// Those of them that are written and not acknowledged.
const ARCHIVE_AT_ONCE: usize = 64;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let how = if CAN_CUT {
            "half of them throw every segment away, half do not read; TCP stays up"
        } else {
            "they do not read; this system cannot throw segments away"
        };
        let mut outcome = Outcome::new(how);
        let folder = setting.folder()?;
        let trial = Trial::begin(&setting, folder.path()).await?;
        trial.go(&setting, &mut outcome).await?;
        Ok(outcome)
    })
}

struct Trial {
    world: World,
    heartbeat: Duration,
    /// How many hold messages, sit in a room, and are catching up.
    holders: usize,
    sitters: usize,
    readers: usize,
    host: RestClient,
}

impl Trial {
    async fn begin(setting: &Setting, folder: &std::path::Path) -> Result<Self, String> {
        let heartbeat = setting.pick(1, 2) as u64;
        let server = Start::new(setting, folder)?
            .set("sessions.heartbeat_seconds", heartbeat.to_string())
            .set("log.level", SHOW_ENDS)
            .go()?;
        let host = server.rest("host")?;
        let trial = Self {
            world: World {
                server: Arc::new(server),
                clock: Clock::start(),
            },
            heartbeat: Duration::from_secs(heartbeat),
            holders: setting.pick(24, 480),
            sitters: setting.pick(24, 480),
            readers: setting.pick(3, 40),
            host,
        };
        setting.at("filling an archive");
        for room in ["den", "archive"] {
            trial.post(&["v1", "rooms"], json!({"room": room})).await?;
        }
        trial.fill_archive().await?;
        Ok(trial)
    }

    async fn fill_archive(&self) -> Result<(), String> {
        let mut host = Peer::watching(&self.world.server, "host").await?;
        let post =
            json!({"type": "post", "room": "archive", "text": "x".repeat(ARCHIVE_POST_CHARS)});
        let mut written = 0;
        for sent in 1..=ARCHIVE_POSTS {
            host.send(&post).await?;
            while written + ARCHIVE_AT_ONCE < sent || (sent == ARCHIVE_POSTS && written < sent) {
                written += usize::from(host.next().await?["kind"] == "posted");
            }
        }
        Ok(())
    }

    async fn go(&self, setting: &Setting, outcome: &mut Outcome) -> Result<(), String> {
        setting.at("opening sessions");
        let (go, going) = watch::channel(false);
        let leaving = tokio::spawn(self.everybody(&going));
        let messages = self.send_messages().await?;
        self.until_all(&messages, "delivered").await?;
        let mut log = LogTail::begin(&self.world.server)?;
        let rooms = &["v1", "rooms", "den"];
        self.until("everybody sits in the room", async || {
            Ok(online(&self.get(rooms).await?) == self.sitters)
        })
        .await?;
        let third = self.holders / 3;
        let look_at = self.world.clock.nanos() + nanos(self.found_within() + SLACK);
        go.send_replace(true);
        let gone = leaving.await.map_err(|why| why.to_string())??;
        setting.at("nobody answers");
        let early = (0..third).map(|place| self.world.clone().comes_back(holder(place)));
        let (found, released, offline, early) = tokio::try_join!(
            self.found(&mut log),
            self.released(&messages, third, look_at),
            self.until("everybody is offline", async || {
                Ok(online(&self.get(rooms).await?) == 0)
            }),
            all(early.collect(), PATIENCE),
        )?;
        self.tell_found(outcome, &gone, &found);
        self.tell_released(outcome, &gone, &released);
        let last = gone.iter().map(|gone| gone.between.1).max();
        let since = offline.saturating_sub(last.unwrap_or_default()) as f64 / 1e6;
        let bound = millis(self.found_within() + SLACK);
        outcome.at_most("all shown offline after ms", since, bound);
        setting.at("coming back");
        let late = (third..self.holders).map(|place| self.world.clone().comes_back(holder(place)));
        let late = all(late.collect(), PATIENCE).await?;
        self.tell_back(outcome, third, &early, &late);
        self.until_all(&messages, "done").await?;
        drop(gone);
        let operator = self.world.server.operator()?;
        let nobody = self.until("the server has no session left", async || {
            let stats = operator.get(&["v1", "admin", "stats"], &[]).await;
            Ok(stats.map_err(|why| why.to_string())?["sessions"] == 0)
        });
        nobody.await.map(drop)
    }

    /// Everybody who will be gone, every second one by a cut line.
    fn everybody(
        &self,
        going: &watch::Receiver<bool>,
    ) -> impl Future<Output = Result<Vec<Gone>, String>> + Send + use<> {
        let world = || self.world.clone();
        let is_cut = |place: usize| CAN_CUT && place.is_multiple_of(2);
        let mut tasks: Vec<std::pin::Pin<Box<dyn Future<Output = _> + Send>>> = Vec::new();
        for place in 0..self.holders {
            let task = world().holds(holder(place), is_cut(place), going.clone());
            tasks.push(Box::pin(task));
        }
        for place in 0..self.sitters {
            let name = format!("sitter-{place}");
            let task = world().sits(name, is_cut(place), going.clone());
            tasks.push(Box::pin(task));
        }
        for place in 0..self.readers {
            let (world, name) = (world(), format!("reader-{place}"));
            let mut going = going.clone();
            let reads_for = self.heartbeat;
            tasks.push(Box::pin(async move {
                drop(going.wait_for(|is_time| *is_time).await);
                world.catches_up(name, is_cut(place), reads_for).await
            }));
        }
        all(tasks, PATIENCE)
    }

    /// Messages for the holders, who may not have come yet.
    async fn send_messages(&self) -> Result<Vec<String>, String> {
        let names: Vec<String> = (0..self.holders).map(holder).collect();
        let mut messages = Vec::new();
        for number in 0..MESSAGES {
            for some in names.chunks(LIST_MAX) {
                let body = json!({"to": some, "text": number.to_string(), "keep": true});
                let stored = self.post(&["v1", "messages"], body).await?;
                messages.push(stored["id"].as_str().unwrap_or_default().to_owned());
            }
        }
        Ok(messages)
    }

    const fn found_within(&self) -> Duration {
        self.heartbeat
            .saturating_mul(2)
            .saturating_add(self.quarter())
    }

    /// The server looks at its sessions this often.
    const fn quarter(&self) -> Duration {
        Duration::from_nanos(self.heartbeat.as_nanos() as u64 / 4)
    }

    /// When the server ended each session for its silence, by its log.
    async fn found(&self, log: &mut LogTail) -> Result<BTreeMap<String, u64>, String> {
        let all = self.holders + self.sitters + self.readers;
        let mut found = BTreeMap::new();
        let deadline = self.world.clock.nanos() + nanos(4 * self.heartbeat + PATIENCE / 6);
        while found.len() < all && self.world.clock.nanos() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
            for line in log.new_lines()? {
                let (client, at) = (ended(&line, "Silent"), written_at(&line));
                if let Some((client, at)) = client.zip(at) {
                    let at = self.moment(at);
                    found.entry(client.to_owned()).or_insert(at);
                }
            }
        }
        Ok(found)
    }

    fn tell_found(&self, outcome: &mut Outcome, gone: &[Gone], found: &BTreeMap<String, u64>) {
        let [mut live, mut reading] = [Latencies::new(), Latencies::new()];
        let (mut never, mut too_early) = (0, 0);
        // The server counts in milliseconds.
        let silence = nanos(2 * self.heartbeat) - nanos(Duration::from_millis(2));
        for Gone { name, between, .. } in gone {
            let Some(at) = found.get(name) else {
                never += 1;
                continue;
            };
            too_early += u64::from(at.saturating_sub(between.0) < silence);
            let latencies = match name.starts_with("reader") {
                true => &mut reading,
                false => &mut live,
            };
            latencies.record(at.saturating_sub(between.1));
        }
        let bound = self.found_within();
        outcome.figure("sessions", gone.len());
        outcome.figure("two heartbeats and a quarter ms", millis(bound));
        outcome.figure("found p50 ms", live.quantiles().p50_ms.round());
        let (p99, all) = (live.quantiles().p99_ms, millis(bound + SLACK));
        outcome.at_most("found p99 ms", p99, all);
        // What it took last is noticed a quarter of a heartbeat later.
        let p99 = reading.quantiles().p99_ms;
        let all = millis(bound + self.quarter() + SLACK);
        outcome.at_most("found while catching up p99 ms", p99, all);
        outcome.must_be_zero("never found", never);
        outcome.must_be_zero("found too early", too_early);
    }

    /// A record has its time when it is decided on, a moment before it is durable.
    fn tell_released(&self, outcome: &mut Outcome, gone: &[Gone], released: &[(String, u64)]) {
        let mut latencies = Latencies::new();
        let silent: BTreeMap<&str, u64> = gone
            .iter()
            .map(|gone| (gone.name.as_str(), gone.between.1))
            .collect();
        for (client, at) in released {
            let since = silent.get(client.as_str()).copied().unwrap_or_default();
            latencies.record(at.saturating_sub(since));
        }
        outcome.figure("leases released", released.len());
        let bound = millis(self.found_within() + SLACK);
        outcome.at_most("released p99 ms", latencies.quantiles().p99_ms, bound);
    }

    fn tell_back(&self, outcome: &mut Outcome, third: usize, early: &[Back], late: &[Back]) {
        let sum = |of: fn(&Back) -> usize| early.iter().chain(late).map(of).sum::<usize>();
        let (all, came) = (self.holders * MESSAGES, sum(|back| back.messages));
        outcome.figure("redelivered", came);
        outcome.must_be_zero("not redelivered", (all - came) as u64);
        outcome.must_be_zero("late", sum(|back| back.late) as u64);
        let again: usize = late.iter().map(|back| back.again).sum();
        let wanted = (self.holders - third) * MESSAGES;
        let uncounted = wanted.abs_diff(again);
        outcome.must_be_zero("attempts not counted", uncounted as u64);
    }
}

fn holder(place: usize) -> String {
    format!("holder-{place}")
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
