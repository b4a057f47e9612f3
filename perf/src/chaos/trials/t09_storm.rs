//! Trial 9: everybody is cut off at once and comes back at once, while messages flow.

mod crowd;
mod publisher;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bridge_core::limits;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};

use super::Trying;
use crate::chaos::crowd::{OPENING_AT_ONCE, all};
use crate::chaos::memory::{Memory, Watch};
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::Peer;
use crate::chaos::reading::stats;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::nanos;
use crate::descriptors;
use crate::figures::Spread;
use crowd::{Seat, Shared, Weather, lives};
use publisher::{Publisher, publishes};

/// Clients in one room.
const ROOM_CLIENTS: usize = 50;
/// Sessions of those who post, and requests over REST.
const SESSIONS_BESIDES: usize = 300;
/// The longest time that a step may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two looks, and two knocks.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long everybody stays away.
const AWAY: Duration = Duration::from_secs(1);

/// By how much the memory after the last storm may be more than after the first, in per cent, and what
/// is noise.
const GROWN_PERCENT_MAX: u64 = 110;
const GROWN_MEBIBYTES: u64 = 16;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let (clients, how) = how_many(&setting);
        let mut outcome = Outcome::new(how);
        let folder = setting.folder()?;
        let trial = Trial::begin(&setting, folder.path(), clients)?;
        let go = trial.go(&setting, &mut outcome);
        LocalSet::new().run_until(go).await?;
        Ok(outcome)
    })
}

/// As many as are wanted, or as this machine allows.
fn how_many(setting: &Setting) -> (usize, String) {
    let wanted = setting.pick(200, 10_000);
    let how = "one half by resets, the other by closing";
    let Some(limit) = descriptors::allowed() else {
        return (wanted, how.to_owned());
    };
    // The server takes no more connections than it has descriptors for: two for each.
    let spare = limits::CONNECTIONS_SPARE + limits::EVENT_STREAMS_TOTAL + SESSIONS_BESIDES;
    let taken = spare * limits::CONNECTION_DESCRIPTORS + limits::DESCRIPTORS_SPARE;
    let left = usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .saturating_sub(taken);
    let allowed = left / limits::CONNECTION_DESCRIPTORS / ROOM_CLIENTS * ROOM_CLIENTS;
    if allowed >= wanted {
        return (wanted, how.to_owned());
    }
    let why = format!("{limit} files may be open, and the server needs two for each");
    (allowed, format!("{how}; {allowed} clients: {why}"))
}

struct Trial {
    server: Arc<Server>,
    shared: Rc<Shared>,
    clients: usize,
    rooms: usize,
    /// Between two posts of one room.
    post_every: Duration,
    /// Posts of every second room while everybody is away: more than a room keeps in memory.
    burst: usize,
}

/// What happened in one round.
struct Round {
    /// Until the last one was current.
    seconds: f64,
    reads: u64,
    memory: Memory,
}

impl Trial {
    fn begin(setting: &Setting, folder: &Path, clients: usize) -> Result<Self, String> {
        let server = Start::new(setting, folder)?
            .set("sessions.heartbeat_seconds", "60")
            .set("sessions.total", (clients + SESSIONS_BESIDES).to_string())
            .go()?;
        let rooms = clients.div_ceil(ROOM_CLIENTS);
        // Five in each second and room, but not more than both ends can carry together.
        let posts_per_second = (5 * rooms).min(setting.pick(30, 200));
        Ok(Self {
            server: Arc::new(server),
            shared: Rc::new(Shared::new(clients, ROOM_CLIENTS)),
            clients,
            rooms,
            post_every: Duration::from_secs(rooms as u64) / posts_per_second as u32,
            burst: 260,
        })
    }

    async fn go(&self, setting: &Setting, outcome: &mut Outcome) -> Result<(), String> {
        let weather = watch::Sender::new(Weather::Calm);
        setting.at("opening sessions");
        let mut working = JoinSet::new();
        let (peers, epoch) = self.open(setting).await?;
        for (place, peer) in peers.into_iter().enumerate() {
            let (shared, server) = (Rc::clone(&self.shared), Arc::clone(&self.server));
            let (weather, epoch) = (weather.subscribe(), Rc::clone(&epoch));
            working.spawn_local(lives(shared, server, place, peer, weather, epoch));
        }
        let publishers = 0..self.rooms;
        let publishers = publishers.map(|room| Rc::new(Publisher::new(room, self.post_every)));
        let publishers: Vec<_> = publishers.collect();
        for publisher in &publishers {
            let peer = publisher.enter(&self.server).await?;
            let (shared, publisher) = (Rc::clone(&self.shared), Rc::clone(publisher));
            working.spawn_local(publishes(shared, publisher, peer));
        }
        let mut rounds = Vec::new();
        while setting.more_rounds(rounds.len(), 1, 3) {
            setting.at(format!("cutting off {} clients", self.clients));
            let round = self.round(setting, rounds.len() + 1, &weather, &publishers);
            rounds.push(round.await?);
        }
        for publisher in &publishers {
            publisher.stop();
        }
        setting.at("waiting for everything");
        self.until("everybody has read everything", |seats| {
            let heads: Vec<u64> = publishers.iter().map(|one| one.head()).collect();
            let is_open = publishers.iter().any(|one| one.has_open());
            !is_open && seats.iter().all(|seat| seat.read >= heads[seat.room])
        })
        .await?;
        self.tell(outcome, &publishers, &rounds);
        Ok(())
    }

    /// Everybody is cut off, stays away for a moment, and comes back.
    async fn round(
        &self,
        setting: &Setting,
        number: usize,
        weather: &watch::Sender<Weather>,
        publishers: &[Rc<Publisher>],
    ) -> Result<Round, String> {
        let operator = self.server.operator()?;
        let memory = Watch::begin(self.server.pid());
        for seat in self.shared.seats.borrow_mut().iter_mut() {
            seat.current_at = None;
        }
        weather.send_replace(Weather::Cut(number));
        for publisher in publishers.iter().step_by(2) {
            publisher.burst(self.burst);
        }
        tokio::time::sleep(AWAY).await;
        let before = reads(&operator).await?;
        let begun = self.shared.clock.nanos();
        weather.send_replace(Weather::Back(number));
        self.until("everybody is current", |seats| {
            seats.iter().all(|seat| seat.current_at.is_some())
        })
        .await?;
        let last = self.shared.last_current().unwrap_or(begun);
        Ok(Round {
            seconds: (last - begun) as f64 / 1e9,
            reads: reads(&operator).await? - before,
            memory: memory.end(setting).await,
        })
    }

    /// Opens every session, in its room.
    async fn open(&self, setting: &Setting) -> Result<(Vec<Peer>, Rc<str>), String> {
        let host = self.server.rest("host")?;
        for room in 0..self.rooms {
            let room = json!({"room": room_name(room)});
            let made = host.post(&["v1", "rooms"], &room, None).await;
            made.map_err(|why| why.to_string())?;
        }
        let everybody: Vec<usize> = (0..self.clients).collect();
        let (mut peers, mut epoch) = (Vec::new(), String::new());
        for some in everybody.chunks(OPENING_AT_ONCE) {
            let server = || Arc::clone(&self.server);
            let opening = some.iter().map(|place| open(server(), *place));
            for (peer, head, of) in all(opening.collect(), PATIENCE).await? {
                self.shared.seats.borrow_mut()[peers.len()].read = head;
                peers.push(peer);
                epoch = of;
            }
            setting.progress(peers.len(), self.clients);
        }
        Ok((peers, epoch.into()))
    }

    async fn until(&self, what: &str, is_so: impl Fn(&[Seat]) -> bool) -> Result<(), String> {
        let deadline = self.shared.clock.nanos() + nanos(PATIENCE);
        while !is_so(&self.shared.seats.borrow()) {
            let wrong = self.shared.first_wrong();
            if self.shared.clock.nanos() > deadline || wrong.is_some() {
                let wrong = wrong.unwrap_or_default();
                let log = self.server.complaints();
                return Err(format!("it never came to this: {what}; {wrong}; {log:?}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn tell(&self, outcome: &mut Outcome, publishers: &[Rc<Publisher>], rounds: &[Round]) {
        let seats = self.shared.seats.borrow();
        let sum = |of: fn(&Seat) -> u64| seats.iter().map(of).sum::<u64>();
        let rounds_each = |number: u64| number as f64 / (self.clients * rounds.len()) as f64;
        let reads = rounds.iter().map(|round| round.reads).sum();
        outcome.figure("clients", self.clients);
        outcome.figure("rounds", rounds.len());
        if let Some(seconds) = Spread::of(rounds.iter().map(|round| round.seconds)) {
            outcome.figure("all current after s, median", thousandths(seconds.median));
            outcome.figure("at worst", thousandths(seconds.max));
        }
        outcome.figure(
            "missed by each",
            thousandths(rounds_each(sum(|seat| seat.missed))),
        );
        outcome.figure("database reads by each", thousandths(rounds_each(reads)));
        outcome.figure("knocked again", sum(|seat| seat.knocked_again));
        outcome.figure("told to be incomplete", sum(|seat| seat.incomplete));
        let posts: Vec<_> = publishers
            .iter()
            .flat_map(|one| one.acknowledged())
            .collect();
        outcome.figure("acknowledged posts", posts.len());
        let is_lost = |(room, seq, text): &&(usize, u64, String)| {
            self.shared.text(*room, *seq).as_deref() != Some(text)
        };
        outcome.must_be_zero("lost", posts.iter().filter(is_lost).count() as u64);
        let wrong = self.shared.wrong.borrow();
        outcome.must_be_zero("violations", wrong.len() as u64);
        for wrong in wrong.iter() {
            outcome.flaw(wrong.clone());
        }
        if sum(|seat| seat.missed) == 0 {
            outcome.flaw("nobody missed anything, so nothing was tried");
        }
        // The first storm takes what connections need to write much at once; the others take no more.
        let mebibytes = |round: &Round| round.memory.after_kib / 1024;
        let after: Vec<u64> = rounds.iter().map(mebibytes).collect();
        outcome.figure("memory after each storm MiB", json!(after));
        if let (Some(first), Some(last)) = (after.first(), after.last()) {
            let most = (first * GROWN_PERCENT_MAX / 100 + GROWN_MEBIBYTES) as f64;
            outcome.at_most("memory after the last MiB", *last as f64, most);
        }
        outcome.memory = rounds
            .iter()
            .map(|round| round.memory)
            .reduce(|all, one| Memory {
                before_kib: all.before_kib,
                during_kib: all.during_kib.max(one.during_kib),
                after_kib: one.after_kib,
            });
    }
}

/// Opens a session that is a member; says how far the room was then, and which log it has.
async fn open(server: Arc<Server>, place: usize) -> Result<(Peer, u64, String), String> {
    let mut peer = Peer::connect(&server, &client(place)).await?;
    peer.ask(json!({"type": "hello", "messages": false}))
        .await?;
    let room = room_name(place / ROOM_CLIENTS);
    let joined = peer.must(json!({"type": "join", "room": room})).await?;
    let head = joined["head"].as_u64().ok_or("a room without a head")?;
    let epoch = joined["epoch"].as_str().unwrap_or_default().to_owned();
    Ok((peer, head, epoch))
}

async fn reads(operator: &agent_bridge::client::RestClient) -> Result<u64, String> {
    let reads = stats(operator).await?["reads"]["total"].as_u64();
    reads.ok_or_else(|| "the server's statistics have no reads.total".to_owned())
}

fn client(place: usize) -> String {
    format!("client-{place}")
}

fn room_name(number: usize) -> String {
    format!("room-{number}")
}

fn thousandths(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
