//! Trial 10: a fifth of a room's readers stop reading.

mod member;

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use agent_bridge::client::RestClient;
use bridge_core::limits;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

use super::Trying;
use crate::chaos::crowd::{OPENING_AT_ONCE, all};
use crate::chaos::log_tail::{LogTail, SHOW_ENDS, ended};
use crate::chaos::memory::Watch;
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::{Beat, Peer};
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::nanos;
use crate::figures::ratio;
use crate::socket::Line;
use member::{Phase, Seat, Shared, Signals, reads, stalls};

const ROOM: &str = "hall";
/// Members who post, in turn.
const POSTERS: usize = 4;
/// One of so many stops reading.
const STALLED_ONE_OF: usize = 5;
/// What was on its way when they were told to stop has come by then.
const SETTLED_AFTER: Duration = Duration::from_secs(1);
/// The longest time that a step may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long they sleep on when the first was closed. The server gives each of them five seconds for
/// its last words, and they fill up at the same speed.
const WAKE_AFTER: Duration = Duration::from_secs(1);
/// The server's number for a reader that is too slow.
const SLOW: u64 = 4_002;
/// What the bookkeeping of a session may add to its outbox.
const BESIDES_BYTES: usize = 64 * 1024;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new("narrow lines whose clients do not read");
        let folder = setting.folder()?;
        let trial = Trial::begin(&setting, folder.path())?;
        let go = trial.go(&setting, &mut outcome);
        LocalSet::new().run_until(go).await?;
        Ok(outcome)
    })
}

struct Trial {
    server: Arc<Server>,
    shared: Rc<Shared>,
    members: usize,
    /// Between two posts of one poster.
    every: u64,
    /// Everybody gets going; what came in while they opened their sessions is behind them.
    warm_up: Duration,
    control_for: Duration,
    /// What a busy machine adds to a latency now and then. In the short form, of which a few posts are
    /// the slowest hundredth, it is much; whoever is held up by a reader that stalls is so for seconds.
    noise_ms: f64,
}

impl Trial {
    fn begin(setting: &Setting, folder: &Path) -> Result<Self, String> {
        let server = Start::new(setting, folder)?
            .set("log.level", SHOW_ENDS)
            // Nobody is to be found silent before its outbox is full.
            .set("sessions.heartbeat_seconds", "120")
            .go()?;
        let members = setting.pick(50, 1_000);
        let posts_per_second = setting.pick(30, 20) as u64;
        Ok(Self {
            server: Arc::new(server),
            shared: Rc::new(Shared::new(members, setting.pick(16_000, 4_000))),
            members,
            every: nanos(Duration::from_secs(POSTERS as u64)) / posts_per_second,
            warm_up: Duration::from_secs(setting.pick(2, 10) as u64),
            control_for: Duration::from_secs(setting.pick(3, 30) as u64),
            noise_ms: setting.pick(250, 5) as f64,
        })
    }

    async fn go(&self, setting: &Setting, outcome: &mut Outcome) -> Result<(), String> {
        setting.at("opening sessions");
        let host = self.server.rest("host")?;
        let (stall, wake) = (watch::Sender::new(false), watch::Sender::new(false));
        let signals = Signals {
            stall: stall.subscribe(),
            wake: wake.subscribe(),
        };
        let peers = self.open(setting, &host).await?;
        let _working = self.set_to_work(peers, &signals);
        tokio::time::sleep(self.warm_up).await;
        setting.at("everybody reads");
        self.shared.enter(Phase::Control);
        tokio::time::sleep(self.control_for).await;
        let mut log = LogTail::begin(&self.server)?;
        let memory = Watch::begin(self.server.pid());
        setting.at("some have stopped reading");
        self.shared.enter(Phase::Stalled);
        stall.send_replace(true);
        let closed = self.closed_as_slow(&mut log).await?;
        self.shared.enter(Phase::Aside);
        let peak_kib = memory.peak_kib();
        wake.send_replace(true);
        setting.at("they come back");
        self.until("they are back", |seats| {
            let mut stalled = self.stalled_ones().map(|place| &seats[place]);
            stalled.all(|seat| seat.has_resumed || !self.shared.wrong.borrow().is_empty())
        })
        .await?;
        self.shared.enter(Phase::Over);
        let head = self.head(&host).await?;
        self.until("everybody has read everything", |seats| {
            seats.iter().all(|seat| seat.read >= head)
        })
        .await?;
        let memory = memory.end(setting).await;
        let grown_kib = peak_kib.saturating_sub(memory.before_kib);
        outcome.memory = Some(memory);
        self.tell(outcome, closed, grown_kib);
        Ok(())
    }

    /// Opens every session; all of them are members.
    async fn open(&self, setting: &Setting, host: &RestClient) -> Result<Vec<Peer>, String> {
        let room = json!({"room": ROOM});
        let made = host.post(&["v1", "rooms"], &room, None).await;
        made.map_err(|why| why.to_string())?;
        let everybody: Vec<usize> = (0..self.members).collect();
        let mut peers = Vec::new();
        for some in everybody.chunks(OPENING_AT_ONCE) {
            let opening = some
                .iter()
                .map(|place| open(Arc::clone(&self.server), *place));
            for (peer, head) in all(opening.collect(), PATIENCE).await? {
                self.shared.seats.borrow_mut()[peers.len()].read = head;
                peers.push(peer);
            }
            setting.progress(peers.len(), self.members);
        }
        Ok(peers)
    }

    fn set_to_work(&self, peers: Vec<Peer>, signals: &Signals) -> JoinSet<()> {
        let mut working = JoinSet::new();
        let begin = self.shared.clock.nanos();
        for (place, peer) in peers.into_iter().enumerate() {
            let shared = Rc::clone(&self.shared);
            if is_stalled(place) {
                let (server, signals) = (Arc::clone(&self.server), signals.clone());
                working.spawn_local(stalls(shared, place, peer, server, signals));
                continue;
            }
            let beat = (place < POSTERS).then(|| Beat {
                clock: self.shared.clock,
                first: begin + self.every * place as u64 / POSTERS as u64,
                every: self.every,
            });
            working.spawn_local(reads(shared, place, peer, beat));
        }
        working
    }

    /// How many sessions the server ended because they were too slow. It waits for all of them, but
    /// not until the server has given up telling them.
    async fn closed_as_slow(&self, log: &mut LogTail) -> Result<usize, String> {
        let wanted = self.stalled_ones().count();
        let clock = self.shared.clock;
        let mut deadline = clock.nanos() + nanos(PATIENCE);
        let mut closed = BTreeSet::new();
        while closed.len() < wanted && clock.nanos() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
            for line in log.new_lines()? {
                let Some(client) = ended(&line, "Slow") else {
                    continue;
                };
                if closed.is_empty() {
                    deadline = clock.nanos() + nanos(WAKE_AFTER);
                }
                closed.insert(client.to_owned());
            }
        }
        Ok(closed.len())
    }

    fn stalled_ones(&self) -> impl Iterator<Item = usize> {
        (0..self.members).filter(|place| is_stalled(*place))
    }

    async fn head(&self, host: &RestClient) -> Result<u64, String> {
        tokio::time::sleep(SETTLED_AFTER).await;
        let room = host.get(&["v1", "rooms", ROOM], &[]).await;
        let head = room.map_err(|why| why.to_string())?["head"].as_u64();
        head.ok_or_else(|| "the room has no head".to_owned())
    }

    async fn until(&self, what: &str, is_so: impl Fn(&[Seat]) -> bool) -> Result<(), String> {
        let deadline = self.shared.clock.nanos() + nanos(PATIENCE);
        while !is_so(&self.shared.seats.borrow()) {
            if self.shared.clock.nanos() > deadline {
                let wrong = self.shared.wrong.borrow();
                let wrong: Vec<&String> = wrong.iter().take(3).collect();
                return Err(format!("it never came to this: {what}; {wrong:?}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn tell(&self, outcome: &mut Outcome, closed: usize, grown_kib: u64) {
        let seats = self.shared.seats.borrow();
        let wanted = self.stalled_ones().count();
        let count = |is_so: fn(&Seat) -> bool| {
            self.stalled_ones()
                .filter(|place| is_so(&seats[*place]))
                .count()
        };
        let (told, resumed) = (count(|seat| seat.was_told), count(|seat| seat.has_resumed));
        let control = self.shared.control.borrow().quantiles();
        let stalled = self.shared.stalled.borrow().quantiles();
        outcome.figure("readers", self.members);
        outcome.figure("stalled", wanted);
        outcome.figure(
            "deliveries before and during",
            json!([control.count, stalled.count]),
        );
        outcome.figure("p50 ms before", tenths(control.p50_ms));
        outcome.figure("p50 ms during", tenths(stalled.p50_ms));
        outcome.figure("p99 ms before", tenths(control.p99_ms));
        let doubled = 2.0 * control.p99_ms + self.noise_ms;
        outcome.at_most("p99 ms during", stalled.p99_ms, doubled);
        let ratio = ratio(stalled.p99_ms, control.p99_ms).unwrap_or_default();
        outcome.figure("p99 ratio", (ratio * 100.0).round() / 100.0);
        outcome.figure("slow ones closed", closed);
        outcome.must_be_zero("slow ones not closed", (wanted - closed) as u64);
        outcome.at_least("told that they are slow", told as f64, wanted as f64 / 2.0);
        outcome.must_be_zero("not resumed in full", (wanted - resumed) as u64);
        let comings = self.stalled_ones().map(|place| seats[place].comings_back);
        outcome.figure(
            "too slow once more",
            comings.sum::<usize>().saturating_sub(wanted),
        );
        let each = (grown_kib * 1024) as f64 / wanted as f64;
        let cap = (limits::OUTBOX_BYTES_MAX + BESIDES_BYTES) as f64;
        outcome.at_most("bytes per slow session", each.round(), cap);
        for wrong in self.shared.wrong.borrow().iter() {
            outcome.flaw(wrong.clone());
        }
    }
}

/// Opens a session that is a member, and says how far the room was then.
async fn open(server: Arc<Server>, place: usize) -> Result<(Peer, u64), String> {
    let line = match is_stalled(place) {
        true => Line::NARROW,
        false => Line::default(),
    };
    let mut peer = Peer::connect_over(line, &server, &format!("member-{place}")).await?;
    peer.ask(json!({"type": "hello", "messages": false}))
        .await?;
    let joined = peer.must(json!({"type": "join", "room": ROOM})).await?;
    let head = joined["head"].as_u64().ok_or("a room without a head")?;
    Ok((peer, head))
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// None of those who post.
const fn is_stalled(place: usize) -> bool {
    place % STALLED_ONE_OF == POSTERS
}
