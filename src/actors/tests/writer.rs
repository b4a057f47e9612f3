//! The log's store panics, or hangs, under rooms that are in use.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use bridge_core::event::{Event, Stream};
use bridge_core::fake::{MemoryLog, MemoryStore};
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Reader, Snapshot};
use bridge_core::{Epoch, Reject, RejectCode, Seq, limits};
use futures_util::future::join_all;
use uuid::Uuid;

use crate::actors::Faults;
use crate::actors::ticket::Answered;
use crate::log_writer::LogState;

use super::harness::{House, Player, house_with, room, run, until};

const ROOMS: [&str; 3] = ["alpha", "beta", "gamma"];

/// When the store panics over a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Panics {
    No,
    BeforeCommit,
    AfterCommit,
}

type Script = Arc<Mutex<VecDeque<Panics>>>;

/// A store that panics by script, batch by batch.
struct Fragile {
    inner: MemoryLog,
    script: Script,
}

impl Log for Fragile {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        let next = self.script.lock().unwrap().pop_front();
        let panics = next.unwrap_or(Panics::No);
        assert_ne!(panics, Panics::BeforeCommit, "injected");
        let answers = self.inner.append(batch);
        assert_ne!(panics, Panics::AfterCommit, "injected");
        answers
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.inner.save_snapshot(stream, snapshot)
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.inner.follow_ups_done(done)
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        self.inner.upkeep(idle)
    }
}

fn store() -> MemoryStore {
    MemoryStore::new(Epoch::from_uuid(Uuid::from_u128(1)))
}

fn fragile(script: &Script) -> House {
    let store = store();
    let (memory, script) = (store.clone(), Arc::clone(script));
    let open = move || {
        let (inner, script) = (MemoryLog::new(memory.clone()), Arc::clone(&script));
        Box::new(Fragile { inner, script }) as Box<dyn Log>
    };
    let log = open();
    let reopen = Box::new(move || Ok(open()));
    house_with(
        store,
        log,
        reopen,
        Faults::default(),
        Duration::from_secs(60),
    )
}

fn code(answered: &Answered) -> Option<RejectCode> {
    answered.as_ref().err().map(Reject::code)
}

/// Posts until the answer is certain. Returns the position, and how often it was not certain.
async fn post_until_certain(house: &House, room: &str, by: &str, text: &str) -> (Seq, u32) {
    let mut tries = 0;
    loop {
        let answered = house.post(room, by, text, Some(text)).await;
        match answered {
            Ok(receipt) => return (receipt.envelopes[0].seq, tries),
            Err(Reject::OutcomeUnknown | Reject::Retry { .. }) => tries += 1,
            Err(reject) => panic!("{text}: {reject}"),
        }
        assert!(tries < 20, "{text} is never answered for certain");
    }
}

/// What a room's log holds, in its order. That it is dense is the store's own condition.
fn texts(house: &House, name: &str) -> Vec<String> {
    let stream = Stream::Room(room(name));
    let (mut texts, mut at) = (Vec::new(), Seq::ZERO);
    loop {
        let page = house.store.page(&stream, at, 100).unwrap();
        for record in page.iter() {
            assert_eq!(record.seq, at.next(), "{name} has a gap");
            at = record.seq;
            if let Event::Posted(posted) = &record.event {
                texts.push((*posted.text).to_owned());
            }
        }
        if page.is_empty() {
            return texts;
        }
    }
}

/// Nothing is lost, nothing is there twice, and everybody is answered once, by whatever way it
/// asked: callers who repeat what is uncertain, and sessions that see every record in order.
#[test]
fn a_writer_that_panics_under_several_rooms_loses_nothing() {
    const EACH: usize = 20;
    const WAVES: [Panics; 4] = [
        Panics::BeforeCommit,
        Panics::AfterCommit,
        Panics::AfterCommit,
        Panics::BeforeCommit,
    ];
    run(async {
        let script = Script::default();
        let house = fragile(&script);
        for name in ROOMS {
            house.create(name, "ann").await.unwrap();
        }
        let mut reader = Player::connect(&house, "ann").await;
        let (mut all, mut answers) = (Vec::new(), Vec::new());
        for (wave, panics) in WAVES.into_iter().enumerate() {
            script.lock().unwrap().push_back(panics);
            let texts_of = |name| (0..EACH).map(move |n| (name, format!("{name}-{wave}-{n}")));
            let texts: Vec<_> = ROOMS.into_iter().flat_map(texts_of).collect();
            let posts = texts
                .iter()
                .map(|(name, text)| post_until_certain(&house, name, "ann", text));
            answers.extend(join_all(posts).await);
            all.extend(texts);
        }
        let uncertain: u32 = answers.iter().map(|(_, tries)| tries).sum();
        assert!(uncertain >= 4, "{uncertain}: the panics met somebody");
        let stats = house.bridge.log_health().stats();
        assert_eq!((stats.restarts, stats.failures), (4, 4));
        assert_eq!(stats.state, LogState::Ok);

        let mut told: BTreeMap<&str, BTreeMap<u64, &str>> = BTreeMap::new();
        for ((name, text), (seq, _)) in all.iter().zip(&answers) {
            let before = told.entry(name).or_default().insert(seq.get(), text);
            assert_eq!(before, None, "two receipts for {name} {seq}");
        }
        for name in ROOMS {
            let acknowledged: Vec<_> = told[name].values().copied().collect();
            assert_eq!(texts(&house, name), acknowledged, "{name}");
        }
        let mut seen: BTreeMap<String, u64> = ROOMS.map(|name| (name.into(), 2)).into();
        for _ in &all {
            let event = reader.expect("event").await;
            let at = seen.get_mut(event["room"].as_str().unwrap()).unwrap();
            assert_eq!(event["seq"], *at + 1, "{event}");
            assert_eq!(
                event["text"],
                told[event["room"].as_str().unwrap()][&(*at + 1)]
            );
            *at += 1;
        }
    });
}

/// A session is answered with its `ref`: once, and rightly.
#[test]
fn sessions_are_told_of_both_kinds_of_panic() {
    run(async {
        let script = Script::default();
        let house = fragile(&script);
        house.create("alpha", "ann").await.unwrap();
        let mut ann = Player::connect(&house, "ann").await;
        for (number, panics) in [Panics::BeforeCommit, Panics::AfterCommit]
            .into_iter()
            .enumerate()
        {
            script.lock().unwrap().push_back(panics);
            let reference = format!("r{number}");
            ann.post("alpha", &reference, &reference).await;
            let rejected = ann.expect("rejected").await;
            assert_eq!(rejected["ref"], reference.as_str());
            assert_eq!(rejected["code"], "outcome_unknown");
        }
        // The second one had landed. Its sender was told that nobody knows, and reads it now.
        let event = ann.expect("event").await;
        assert_eq!((&event["seq"], &event["text"]), (&3.into(), &"r1".into()));
        ann.post("alpha", "fine", "r2").await;
        let event = ann.expect("event").await;
        assert_eq!((&event["ref"], &event["seq"]), (&"r2".into(), &4.into()));
        assert_eq!(texts(&house, "alpha"), ["r1", "fine"]);
    });
}

/// A store that answers when it is told to.
struct Slow {
    inner: MemoryLog,
    go: Receiver<()>,
}

impl Log for Slow {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        if self.go.recv().is_err() {
            tracing::trace!("the test let go of it: from now on it is as quick as any");
        }
        self.inner.append(batch)
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.inner.save_snapshot(stream, snapshot)
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.inner.follow_ups_done(done)
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        self.inner.upkeep(idle)
    }
}

fn slow() -> (House, SyncSender<()>) {
    let store = store();
    let (go, going) = sync_channel(ROOMS.len());
    let log = Slow {
        inner: MemoryLog::new(store.clone()),
        go: going,
    };
    let reopen = Box::new(|| Err("there is no other log".to_owned()));
    let hooks = Faults::default();
    let house = house_with(store, Box::new(log), reopen, hooks, Duration::from_secs(60));
    (house, go)
}

/// While the disk does not answer, what waits for it is bounded: by the permits of each room and by
/// those of the log. Everybody else is told `busy` at once, and what was admitted is carried out.
#[test]
fn a_disk_that_hangs_makes_the_server_busy_and_no_larger() {
    const EACH: usize = limits::ROOM_QUEUE_COMMANDS_MAX + 10;
    run(async {
        let (house, go) = slow();
        for name in ROOMS {
            go.send(()).unwrap();
            house.create(name, "ann").await.unwrap();
        }
        let posts = ROOMS
            .into_iter()
            .flat_map(|name| (0..EACH).map(move |_| name))
            .map(|name| house.post(name, "ann", "x", None));
        let hanging = join_all(posts);
        let mut answers = Box::pin(hanging);
        // Everybody has asked when it was polled once; nobody can be answered but by `busy`.
        let asked = std::future::poll_fn(|cx| Poll::Ready(answers.as_mut().poll(cx)));
        assert!(asked.await.is_pending());
        let bound = limits::LOG_QUEUE_DRAFTS_MAX;
        assert_eq!(house.bridge.log().drafts_in_use(), bound);
        let refused = house.post("alpha", "ann", "one more", None).await;
        assert_eq!(code(&refused), Some(RejectCode::Busy));
        drop(go);
        let answers = answers.await;
        let busy = |answered: &&Answered| code(answered) == Some(RejectCode::Busy);
        let stored = answers.iter().filter(|answered| answered.is_ok()).count();
        assert_eq!(stored, bound, "what was admitted");
        assert_eq!(answers.iter().filter(busy).count(), 3 * EACH - bound);
        let kept = ROOMS.map(|name| texts(&house, name).len());
        assert_eq!(kept.iter().sum::<usize>(), bound);
        until(|| house.bridge.log().drafts_in_use() == 0).await;
        house.post("alpha", "ann", "later", None).await.unwrap();
    });
}
