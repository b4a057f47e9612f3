//! Everybody who is there while the clock is set once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridge_core::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::holders::{self, Held, Way};
use super::{Cycle, HEARTBEAT, Moved, PATIENCE};
use crate::chaos::crowd::all;
use crate::chaos::log_tail::{LogTail, ended};
use crate::chaos::machine::{Control, Orders};
use crate::chaos::mail::{Mailer, instant, send_all};
use crate::chaos::peer::Peer;
use crate::chaos::server::Server;
use crate::chaos::setting::Setting;
use crate::chaos::trials::t16_expiry::ends::{Ends, Said};
use crate::clock::{Clock, nanos};

/// Seconds for which messages live that an hour ends, and those that it does not.
const MORTAL_SECONDS: u64 = 1_800;
const LASTING_SECONDS: u64 = 20 * 24 * 3_600;
/// How long one listens for what must not come.
const LISTENS: Duration = Duration::from_millis(700);
/// Clients of which nothing is heard any more.
const MUTES: usize = 3;
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(super) struct Stage<'a> {
    pub(super) setting: &'a Setting,
    pub(super) server: &'a Server,
    pub(super) http: reqwest::Client,
    pub(super) sender: Mailer,
    pub(super) clock: Clock,
}

/// One who is away, and what waits for it.
#[derive(Debug, Clone)]
pub(super) struct Mortal {
    name: String,
    /// What an hour ends.
    pub(super) mortal: String,
    lasting: String,
}
impl Stage<'_> {
    fn mailer(&self, name: &str) -> Result<Mailer, String> {
        Mailer::new(&self.http, self.server, name)
    }

    /// Sessions that do nothing but answer.
    pub(super) fn idle(
        &self,
        count: usize,
        stopping: &watch::Receiver<bool>,
    ) -> Result<JoinHandle<Result<Vec<bool>, String>>, String> {
        let mut tasks = Vec::new();
        for n in 0..count {
            let mailer = self.mailer(&format!("idle-{n}"))?;
            tasks.push(holders::is_there(mailer, stopping.clone()));
        }
        Ok(tokio::spawn(all(tasks, PATIENCE * 10)))
    }

    /// The clock is set once. Returns those whose messages have ended by it.
    pub(super) async fn go_through(
        &self,
        cycle: &Cycle<'_>,
        control: &mut Control,
        ends: &mut Ends,
        moved: &mut Moved,
    ) -> Result<Vec<Mortal>, String> {
        let count = self.setting.pick(24, 240);
        let mortals = if cycle.is_forward() {
            self.send_mortals(cycle, count).await?
        } else {
            Vec::new()
        };
        let mut log = LogTail::begin(self.server)?;
        let ready = Arc::new(AtomicUsize::new(0));
        let holding = tokio::spawn(self.hold(cycle.number, count, &ready).await?);
        while ready.load(Ordering::Relaxed) < count && !holding.is_finished() {
            sleep(LOOK_EVERY).await;
        }
        let mut mutes = Vec::new();
        for n in 0..MUTES {
            let mute = self.mailer(&format!("mute-{}-{n}", cycle.number))?;
            // Nobody reads what comes to it.
            mutes.push(mute.silent().await?);
        }
        let silent_since = self.clock.nanos();
        let mut peer = self.sender.silent().await?;
        let before = time_of(&mut peer).await?;
        control.order(&Orders {
            clock_offset_ms: cycle.offset,
            ..Orders::default()
        })?;
        moved.jumps += 1;
        let after = time_of(&mut peer).await?;
        moved.time_went_back += u64::from(after < before);
        let by = after.millis_since(before);
        // Its time may have been a moment ahead.
        if cycle.is_forward() && by < cycle.offset - cycle.highest - 1_000 {
            return Err(format!(
                "the server does not go by the clock that was set: by {by} ms, and not from {} to {}",
                cycle.highest, cycle.offset
            ));
        }
        self.look_at_the_old(cycle, &mortals, ends, moved).await?;
        self.look_at_the_new(ends, moved).await?;
        self.find_mutes(cycle.number, &mut log, silent_since, moved)
            .await?;
        let held = timeout(PATIENCE, holding).await;
        let held = held.map_err(|_| "leases do not end")?;
        for held in held.map_err(|why| why.to_string())?? {
            moved.note(held);
        }
        Ok(mortals)
    }

    /// To each a message that an hour ends, and one that it does not.
    async fn send_mortals(&self, cycle: &Cycle<'_>, count: usize) -> Result<Vec<Mortal>, String> {
        let mut peer = self.sender.silent().await?;
        let names: Vec<String> = (0..count)
            .map(|n| format!("away-{}-{n}", cycle.number))
            .collect();
        let frames = names.iter().flat_map(|name| {
            [MORTAL_SECONDS, LASTING_SECONDS].map(|seconds| {
                json!({"type": "send", "to": name, "text": "x", "keep": true, "ttl_seconds": seconds})
            })
        });
        let stored = send_all(&mut peer, &frames.collect::<Vec<_>>()).await?;
        let pairs = names.into_iter().zip(stored.chunks(2));
        Ok(pairs
            .map(|(name, ids)| Mortal {
                name,
                mortal: id(&ids[0]),
                lasting: id(&ids[1]),
            })
            .collect())
    }

    async fn hold(
        &self,
        cycle: usize,
        count: usize,
        ready: &Arc<AtomicUsize>,
    ) -> Result<impl Future<Output = Result<Vec<Option<Held>>, String>> + Send + use<>, String>
    {
        let ways: &[Way] = if self.setting.is_short() {
            &[Way::Silent, Way::Call]
        } else {
            &[Way::Silent, Way::Call, Way::Failed]
        };
        let names: Vec<String> = (0..count).map(|n| format!("hold-{cycle}-{n}")).collect();
        let frame = |name: &String| json!({"type": "send", "to": name, "text": "x", "keep": true});
        let frames: Vec<Value> = names.iter().map(frame).collect();
        let mut peer = self.sender.silent().await?;
        let stored = send_all(&mut peer, &frames).await?;
        let mut tasks = Vec::new();
        for (n, (name, stored)) in names.iter().zip(&stored).enumerate() {
            let (mailer, way) = (self.mailer(name)?, ways[n % ways.len()]);
            tasks.push(holders::hold(
                mailer,
                id(stored),
                way,
                self.clock,
                Arc::clone(ready),
            ));
        }
        Ok(all(tasks, PATIENCE))
    }

    /// What an hour ends has ended, and comes to nobody; what does not comes.
    async fn look_at_the_old(
        &self,
        cycle: &Cycle<'_>,
        mortals: &[Mortal],
        ends: &mut Ends,
        moved: &mut Moved,
    ) -> Result<(), String> {
        let ending = async {
            let at = self.clock.nanos();
            for mortal in mortals {
                self.sender.way(&mortal.mortal, 20).await?;
            }
            Ok::<_, String>(Duration::from_nanos(self.clock.nanos() - at))
        };
        let (came, took) = tokio::try_join!(self.come(mortals), ending)?;
        moved.noticed_after = moved.noticed_after.max(took);
        for (mortal, came) in mortals.iter().zip(&came) {
            moved.lost += u64::from(!came.contains(&mortal.lasting));
            ends.note_alive_again(u64::from(came.contains(&mortal.mortal)));
        }
        for (mortal, came) in cycle.gone.iter().zip(self.come(cycle.gone).await?) {
            ends.note_alive_again(u64::from(came.contains(&mortal.mortal)));
        }
        Ok(())
    }

    /// What lives for a second from now on lives for a second.
    async fn look_at_the_new(&self, ends: &mut Ends, moved: &mut Moved) -> Result<(), String> {
        let mut peer = self.sender.silent().await?;
        let fresh = json!({
            "type": "send", "to": "nobody", "text": "x", "keep": true, "ttl_seconds": 1,
        });
        let sent = self.clock.nanos();
        let stored = send_all(&mut peer, &vec![fresh; self.setting.pick(4, 20)]).await?;
        let fresh: Vec<(String, Said)> = stored.iter().map(|s| (id(s), Said::Nothing)).collect();
        ends.look_at_all(&self.sender, &fresh, true).await?;
        let took = Duration::from_nanos(self.clock.nanos() - sent);
        let late = took.saturating_sub(Duration::from_secs(1));
        moved.life_late = moved.life_late.max(late);
        Ok(())
    }

    /// Clients that are dead are found in time.
    async fn find_mutes(
        &self,
        cycle: usize,
        log: &mut LogTail,
        silent_since: u64,
        moved: &mut Moved,
    ) -> Result<(), String> {
        // Two heartbeats, and the quarter after which it is looked.
        let due = silent_since + nanos(HEARTBEAT * 9 / 4);
        let mut found = 0;
        while found < MUTES && self.clock.nanos() < due + nanos(PATIENCE / 6) {
            let lines = log.new_lines()?;
            let silent = lines.iter().filter_map(|line| ended(line, "Silent"));
            found += silent
                .filter(|name| name.starts_with(&format!("mute-{cycle}-")))
                .count();
            sleep(LOOK_EVERY).await;
        }
        let late = Duration::from_nanos(self.clock.nanos().saturating_sub(due));
        moved.dead_found_late = moved.dead_found_late.max(late);
        moved.dead_kept += (MUTES - found) as u64;
        Ok(())
    }

    async fn come(&self, mortals: &[Mortal]) -> Result<Vec<Vec<String>>, String> {
        let mut visits = Vec::new();
        for mortal in mortals {
            visits.push(holders::visit(self.mailer(&mortal.name)?, LISTENS));
        }
        all(visits, PATIENCE).await
    }
}

fn id(stored: &Value) -> String {
    stored["id"].as_str().unwrap_or_default().to_owned()
}

/// What time it is, by the server.
async fn time_of(peer: &mut Peer) -> Result<Timestamp, String> {
    let pong = peer.must(json!({"type": "ping"})).await?;
    instant(pong["at"].as_str().unwrap_or_default())
}
