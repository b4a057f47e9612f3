//! Trial 18: the server is told to stop while everybody is busy.

mod clients;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::LocalSet;

use super::Trying;
use crate::chaos::crowd::{OPENING_AT_ONCE, all};
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::{Beat, Peer};
use crate::chaos::reading::posts;
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use crate::clock::{Clock, nanos};
use crate::socket::Line;
use clients::{Diary, Farewell, Work, works};

/// How long a stop may take: a service manager waits no longer than it must.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);
/// When the harness gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Sessions in one room.
const ROOM_SESSIONS: usize = 50;
/// One of so many sends messages in a ring.
const WRITERS_ONE_OF: usize = 5;
/// One of so many stops reading.
const STALLED_ONE_OF: usize = 20;
/// Between two messages of one client.
const SEND_EVERY: Duration = Duration::from_millis(250);
/// By how much the times to come back must differ.
const SPREAD_MILLIS: u64 = 1_000;
/// The draining server says goodbye.
const DRAINING: u64 = 4_001;

pub(super) fn run(setting: Setting) -> Trying {
    Box::pin(async move {
        let mut outcome = Outcome::new("SIGTERM; some sessions read nothing");
        let folder = setting.folder()?;
        let trial = Trial::begin(&setting, folder.path())?;
        LocalSet::new()
            .run_until(trial.go(&setting, &mut outcome))
            .await?;
        Ok(outcome)
    })
}

struct Trial {
    start: Start,
    clock: Clock,
    sessions: usize,
    busy_for: Duration,
    /// Between two posts in one room. Those who do not read must have more waiting than their line
    /// holds, and those who do must keep up.
    post_every: Duration,
    diary: Rc<RefCell<Diary>>,
}

/// Everybody who reads, and everybody who does not.
struct Crowd {
    reading: Vec<(Peer, Work)>,
    stalled: Vec<Peer>,
}

impl Trial {
    fn begin(setting: &Setting, folder: &Path) -> Result<Self, String> {
        Ok(Self {
            // Nobody is to be found silent while the others still come.
            start: Start::new(setting, folder)?.set("sessions.heartbeat_seconds", "60"),
            clock: Clock::start(),
            sessions: setting.pick(200, 5_000),
            busy_for: Duration::from_secs(setting.pick(2, 10) as u64),
            post_every: Duration::from_millis(setting.pick(50, 500) as u64),
            diary: Rc::default(),
        })
    }

    async fn go(&self, setting: &Setting, outcome: &mut Outcome) -> Result<(), String> {
        let server = Arc::new(self.start.clone().go()?);
        let Crowd { reading, stalled } = self.open(setting, &server).await?;
        let mut server = Arc::into_inner(server).ok_or("somebody holds on to the server")?;
        setting.at("everybody is busy");
        let mut working = tokio::task::JoinSet::new();
        for (place, (peer, work)) in reading.into_iter().enumerate() {
            let beat = self.beat(place, &work);
            let diary = Rc::clone(&self.diary);
            working.spawn_local(works(peer, work, beat, self.clock, diary));
        }
        tokio::time::sleep(self.busy_for).await;
        setting.at("stopping");
        let begun = self.clock.nanos();
        server.terminate()?;
        let status = server.until_ended(PATIENCE).await?;
        let drained = self.clock.nanos() - begun;
        let everybody = async { while working.join_next().await.is_some() {} };
        let everybody = tokio::time::timeout(PATIENCE, everybody).await;
        everybody.map_err(|_| "sessions outlived the server")?;
        for peer in stalled {
            working.spawn_local(late_reader(peer, self.clock, Rc::clone(&self.diary)));
        }
        while working.join_next().await.is_some() {}
        self.tell_farewells(outcome, begun, drained);
        if !status.success() {
            outcome.flaw(format!("the server ended with {status}"));
        }
        setting.at("looking what is there");
        let server = server.again().go()?;
        self.check(&server, outcome).await
    }

    /// Opens all sessions, some at a time.
    async fn open(&self, setting: &Setting, server: &Arc<Server>) -> Result<Crowd, String> {
        let host = server.rest("host")?;
        for room in 0..self.sessions.div_ceil(ROOM_SESSIONS) {
            let body = json!({"room": room_name(room)});
            let made = host.post(&["v1", "rooms"], &body, None).await;
            made.map_err(|why| why.to_string())?;
        }
        let mut crowd = Crowd {
            reading: Vec::new(),
            stalled: Vec::new(),
        };
        let everybody: Vec<usize> = (0..self.sessions).collect();
        for some in everybody.chunks(OPENING_AT_ONCE) {
            let opened = some.iter().map(|place| open(Arc::clone(server), *place));
            let opened = all(opened.collect(), PATIENCE).await?;
            for (peer, place) in opened.into_iter().zip(some) {
                match is_stalled(*place) {
                    true => crowd.stalled.push(peer),
                    false => crowd.reading.push((peer, self.work(*place))),
                }
            }
            setting.progress(crowd.reading.len() + crowd.stalled.len(), self.sessions);
        }
        Ok(crowd)
    }

    /// The first of each room posts there; others send messages to the next of their kind.
    fn work(&self, place: usize) -> Work {
        if place.is_multiple_of(ROOM_SESSIONS) {
            return Work::Posts(room_name(place / ROOM_SESSIONS));
        }
        if !is_writer(place) {
            return Work::Nothing;
        }
        let after = place + 1..self.sessions;
        let next = after.chain(0..place).find(|other| is_writer(*other));
        next.map_or(Work::Nothing, |next| Work::Writes(client(next)))
    }

    fn beat(&self, place: usize, work: &Work) -> Option<Beat> {
        let every = match work {
            Work::Nothing => return None,
            Work::Posts(_) => nanos(self.post_every),
            Work::Writes(_) => nanos(SEND_EVERY),
        };
        // Not all in one instant.
        let first = self.clock.nanos() + every * (place as u64 % 100) / 100;
        let clock = self.clock;
        Some(Beat {
            clock,
            first,
            every,
        })
    }

    fn tell_farewells(&self, outcome: &mut Outcome, begun: u64, drained: u64) {
        let diary = self.diary.borrow();
        let told = |was_stalled: bool| {
            let farewells = diary.farewells.iter();
            let those = farewells.filter(move |one| one.was_stalled == was_stalled);
            those.filter(|one| matches!(one.bye, Some((DRAINING, _))))
        };
        let readers = diary.farewells.iter().filter(|one| !one.was_stalled);
        let (readers, told_readers) = (readers.count(), told(false).count());
        let pauses: BTreeSet<u64> = told(false)
            .filter_map(|one| one.bye.and_then(|(_, pause)| pause))
            .collect();
        let spread = pauses.last().zip(pauses.first());
        let spread = spread.map_or(0, |(last, first)| last - first);
        let last = told(false).map(|one| one.at).max().unwrap_or(begun);
        outcome.figure("sessions", self.sessions);
        outcome.figure("told to move", told_readers);
        outcome.must_be_zero("reading, and not told", (readers - told_readers) as u64);
        outcome.figure("stalled, and told all the same", told(true).count());
        let distinct = pauses.len() as f64;
        outcome.at_least(
            "distinct times to come back",
            distinct,
            readers as f64 / 2.0,
        );
        outcome.at_least("their spread ms", spread as f64, SPREAD_MILLIS as f64);
        let seconds = |nanos: u64| nanos as f64 / 1e9;
        let bound = DRAINED_WITHIN.as_secs_f64();
        outcome.at_most("last one gone after s", seconds(last - begun), bound);
        outcome.at_most("drain seconds", seconds(drained), bound);
        for wrong in &diary.wrong {
            outcome.flaw(wrong.clone());
        }
    }

    /// Everything that was acknowledged is there, once.
    async fn check(&self, server: &Server, outcome: &mut Outcome) -> Result<(), String> {
        let diary = self.diary.take();
        let host = server.rest("host")?;
        let mut logs = BTreeMap::new();
        for room in 0..self.sessions.div_ceil(ROOM_SESSIONS) {
            let room = room_name(room);
            logs.insert(room.clone(), posts(&host, &room).await?);
        }
        let (mut lost, mut twice) = (0, 0);
        for (room, seq, id, text) in &diary.posts {
            let there = logs.get(room).and_then(|log| log.get(seq));
            lost += u64::from(there != Some(&(id.clone(), text.clone())));
        }
        for log in logs.values() {
            let texts: BTreeSet<&String> = log.values().map(|(_, text)| text).collect();
            twice += (log.len() - texts.len()) as u64;
        }
        let done: BTreeSet<&String> = diary.done.iter().collect();
        for (sender, id) in &diary.messages {
            let shown = server.rest(sender)?.get(&["v1", "messages", id], &[]).await;
            let stage = shown.as_ref().map(|shown| &shown["recipients"][0]["stage"]);
            let is_there = stage.is_ok_and(Value::is_string);
            let is_undone = done.contains(id) && stage.is_ok_and(|stage| stage != "done");
            lost += u64::from(!is_there) + u64::from(is_undone);
        }
        outcome.figure("acknowledged posts", diary.posts.len());
        outcome.figure("acknowledged messages", diary.messages.len());
        outcome.figure("of them done", diary.done.len());
        outcome.must_be_zero("lost", lost);
        outcome.must_be_zero("twice", twice);
        let is_busy = !diary.posts.is_empty() && !diary.done.is_empty();
        if !is_busy {
            outcome.flaw("nothing was acknowledged, so nothing was tried");
        }
        Ok(())
    }
}

async fn open(server: Arc<Server>, place: usize) -> Result<Peer, String> {
    let line = match is_stalled(place) {
        true => Line::NARROW,
        false => Line::default(),
    };
    let mut peer = Peer::connect_over(line, &server, &client(place)).await?;
    let hello = json!({"type": "hello", "messages": is_writer(place)});
    peer.ask(hello).await?;
    let join = json!({"type": "join", "room": room_name(place / ROOM_SESSIONS)});
    peer.must(join).await?;
    Ok(peer)
}

/// Reads what is left for somebody who had stopped reading.
async fn late_reader(mut peer: Peer, clock: Clock, diary: Rc<RefCell<Diary>>) {
    let mut bye = None;
    let hear = |text: &[u8]| {
        let heard = clients::read(text)?;
        bye = heard.or(bye);
        Ok(())
    };
    drop(peer.listen(hear).await);
    let farewell = Farewell {
        bye,
        at: clock.nanos(),
        was_stalled: true,
    };
    diary.borrow_mut().farewells.push(farewell);
}

const fn is_stalled(place: usize) -> bool {
    place % STALLED_ONE_OF == 1
}

const fn is_writer(place: usize) -> bool {
    place % WRITERS_ONE_OF == 2
}

fn client(place: usize) -> String {
    format!("client-{place}")
}

fn room_name(number: usize) -> String {
    format!("room-{number}")
}
