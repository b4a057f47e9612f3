//! A store whose code panics, or that cannot go on: it is made again, and nobody waits in vain.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// What happens in the store's next act.
#[derive(Debug, Clone, Copy)]
enum Act {
    Pass,
    PanicBefore,
    /// It is committed by then.
    PanicAfter,
    Stuck,
}

/// What happens when the store is opened again.
#[derive(Debug, Clone, Copy)]
enum Opening {
    Fails,
    Panics,
}

/// A stage on which stores fail by script, one after another. With an empty script all goes well.
#[derive(Clone)]
struct Stage(Arc<Script>);

struct Script {
    store: MemoryStore,
    acts: Mutex<VecDeque<Act>>,
    openings: Mutex<VecDeque<Opening>>,
    alive: AtomicU64,
    pace: Arc<ManualPace>,
}

struct Player {
    inner: MemoryLog,
    stage: Stage,
}

/// Time passes only by waiting.
#[derive(Default)]
struct ManualPace {
    millis: AtomicU64,
    waits: Mutex<Vec<Duration>>,
}

impl Pace for ManualPace {
    fn uptime(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }

    fn wait(&self, time: Duration) {
        self.waits.lock().unwrap().push(time);
        self.pass(time);
    }
}

impl ManualPace {
    fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.millis.fetch_add(millis, Ordering::Relaxed);
    }
}

impl Stage {
    fn new(acts: &[Act], openings: &[Opening]) -> Self {
        Self(Arc::new(Script {
            store: MemoryStore::new(Epoch::from_uuid(Uuid::from_u128(1))),
            acts: Mutex::new(acts.iter().copied().collect()),
            openings: Mutex::new(openings.iter().copied().collect()),
            alive: AtomicU64::new(0),
            pace: Arc::default(),
        }))
    }

    fn player(&self) -> Box<dyn Log> {
        let before = self.0.alive.fetch_add(1, Ordering::Relaxed);
        assert_eq!(before, 0, "the one before must have been dropped");
        Box::new(Player {
            inner: MemoryLog::new(self.0.store.clone()),
            stage: self.clone(),
        })
    }

    fn start(&self) -> (LogHandle, JoinHandle<()>) {
        let stage = self.clone();
        let reopen = move || {
            let opening = stage.0.openings.lock().unwrap().pop_front();
            match opening {
                None => Ok(stage.player()),
                Some(Opening::Fails) => Err("injected".to_owned()),
                Some(Opening::Panics) => panic!("injected"),
            }
        };
        let pace = Arc::clone(&self.0.pace);
        start_at(self.player(), Box::new(reopen), pace, LogMetrics::none()).unwrap()
    }

    fn head(&self, name: &str) -> u64 {
        self.0.store.head(&stream(name)).unwrap().get()
    }

    fn waits(&self) -> Vec<Duration> {
        self.0.pace.waits.lock().unwrap().clone()
    }
}

impl Player {
    fn act<T>(&mut self, work: impl FnOnce(&mut MemoryLog) -> T) -> Result<T, LogFailure> {
        let act = self.stage.0.acts.lock().unwrap().pop_front();
        match act.unwrap_or(Act::Pass) {
            Act::Pass => Ok(work(&mut self.inner)),
            Act::PanicBefore => panic!("injected"),
            Act::PanicAfter => {
                drop(work(&mut self.inner));
                panic!("injected")
            }
            Act::Stuck => Err(LogFailure::Stuck("injected".into())),
        }
    }
}

impl Log for Player {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        self.act(|log| log.append(batch))?
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.act(|log| log.save_snapshot(stream, snapshot))?
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.act(|log| log.follow_ups_done(done))?
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        self.inner.upkeep(idle)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.stage.0.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Waits until the thread has done everything that was asked of it so far.
fn settle(log: &LogHandle) {
    let (done, is_done) = sync_channel(1);
    let fence = Box::new(move || done.send(()).unwrap());
    log.fence(stream("settled"), Incarnation::new(1), fence)
        .unwrap();
    is_done.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn a_panic_is_answered_and_the_store_is_opened_again() {
    let stage = Stage::new(&[Act::PanicBefore, Act::Pass, Act::PanicAfter], &[]);
    let (log, thread) = stage.start();
    let (sink, answers) = sink();
    let ask = |seq| {
        log.append(append("a", seq, 1), Arc::clone(&sink)).unwrap();
        wait(&answers)
    };
    assert_eq!(ask(1), [Answer::Unknown]);
    assert_eq!(stage.head("a"), 0, "it was not committed");
    assert_eq!(ask(1), [Answer::Stored]);
    assert_eq!(ask(2), [Answer::Unknown]);
    assert_eq!(stage.head("a"), 2, "it was committed, and nobody knows");
    assert_eq!(ask(2), [Answer::NotNext]);
    assert_eq!(ask(3), [Answer::Stored]);
    settle(&log);
    let stats = log.health().stats();
    assert_eq!((stats.restarts, stats.failures), (2, 2));
    assert_eq!((stats.state, stats.at_work), (LogState::Ok, None));
    drop(log);
    thread.join().expect("the panics are caught");
}

/// What was queued behind the batch that panicked is written, in order, and fences are set.
#[test]
fn a_panic_loses_neither_the_queue_nor_an_errand() {
    let stage = Stage::new(&[Act::PanicBefore], &[Opening::Fails, Opening::Panics]);
    let (log, thread) = stage.start();
    let (sink, answers) = sink();
    let (done, is_done) = sync_channel(1);
    let (first, second) = (append("a", 1, 1), append("a", 1, 2));
    // The fence is in the same turn as the batch that panics, if the thread is slow to wake, and
    // in the next one if not.
    log.append(first, Arc::clone(&sink)).unwrap();
    let fence = Box::new(move || done.send(()).unwrap());
    log.fence(stream("a"), Incarnation::new(2), fence).unwrap();
    log.append(second, Arc::clone(&sink)).unwrap();
    log.append(append("a", 2, 1), Arc::clone(&sink)).unwrap();
    drop(log);
    thread.join().unwrap();
    assert!(is_done.recv().is_ok(), "the fence was set");
    let told: Vec<Answer> = answers.try_iter().flatten().collect();
    let wanted = [Answer::Unknown, Answer::Stored, Answer::NotNext];
    assert_eq!(told, wanted, "the last one was of an earlier life");
    assert_eq!(stage.head("a"), 1);
}

/// Every draft of the batch is answered, also of owners that have nothing to do with the panic.
#[test]
fn everybody_in_the_batch_hears_of_it_once() {
    let stage = Stage::new(&[Act::PanicBefore], &[]);
    let (log, thread) = stage.start();
    // The thread is held in front of the queue while the batch gathers.
    let (go, is_gone) = sync_channel::<()>(0);
    let hold = Box::new(move || is_gone.recv().unwrap());
    log.fence(stream("c"), Incarnation::new(5), hold).unwrap();
    let sinks: Vec<_> = (0..3).map(|_| sink()).collect();
    for (room, (sink, _)) in ["a", "b", "c"].iter().zip(&sinks) {
        log.append(append(room, 1, 1), Arc::clone(sink)).unwrap();
        log.append(append(room, 2, 1), Arc::clone(sink)).unwrap();
    }
    go.send(()).unwrap();
    drop(log);
    thread.join().unwrap();
    let told = sinks
        .iter()
        .map(|(_, answers)| answers.try_iter().collect());
    let told: Vec<Vec<_>> = told.collect();
    let unknown = vec![vec![Answer::Unknown; 2]];
    let fenced = vec![vec![Answer::NotNext; 2]];
    assert_eq!(told, [unknown.clone(), unknown, fenced]);
}

#[test]
fn an_errand_whose_turn_panics_tells_its_owner_that_it_is_lost() {
    let stage = Stage::new(&[Act::PanicBefore, Act::PanicBefore], &[]);
    let (log, thread) = stage.start();
    let (tell, forgotten) = sync_channel(1);
    let tell = Box::new(move || tell.send(()).unwrap());
    log.follow_ups_done(vec![(stream("a"), Seq::new(1))], tell)
        .unwrap();
    assert!(forgotten.recv().is_err(), "it was not forgotten");
    let snapshot = Snapshot {
        seq: Seq::new(1),
        format: 1,
        body: bytes::Bytes::new(),
    };
    log.save_snapshot(stream("a"), snapshot).unwrap();
    let (sink, answers) = sink();
    log.append(append("a", 1, 1), sink).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored], "it goes on");
    assert_eq!(log.health().restarts(), 2);
    drop(log);
    thread.join().unwrap();
}

#[test]
fn a_store_that_is_stuck_is_made_again_and_its_batch_was_surely_not_written() {
    let stage = Stage::new(&[Act::Stuck], &[]);
    let (log, _thread) = stage.start();
    let (sink, answers) = sink();
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    let told = wait(&answers);
    assert!(
        matches!(told[..], [Answer::Refused(Reject::Retry { .. })]),
        "{told:?}"
    );
    log.append(append("a", 1, 1), sink).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored]);
    assert_eq!(log.health().restarts(), 1);
}

#[test]
fn the_waits_grow_with_every_failure_of_the_last_half_minute() {
    use Opening::{Fails, Panics};
    let stage = Stage::new(&[Act::PanicBefore], &[Fails, Panics, Fails]);
    let (log, _thread) = stage.start();
    let (sink, answers) = sink();
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Unknown], "told before the waits");
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored]);
    let millis =
        |waits: Vec<Duration>| -> Vec<_> { waits.iter().map(Duration::as_millis).collect() };
    assert_eq!(millis(stage.waits()), [0, 100, 200, 400]);
    let stats = log.health().stats();
    assert_eq!((stats.restarts, stats.failures), (1, 4));
    stage.0.acts.lock().unwrap().push_back(Act::PanicBefore);
    log.append(append("a", 2, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Unknown]);
    settle(&log);
    assert_eq!(millis(stage.waits()), [0, 100, 200, 400, 800]);
}

#[test]
fn too_many_failures_break_the_log_for_good() {
    let failures = vec![Act::PanicBefore; limits::RESTARTS_MAX + 1];
    let stage = Stage::new(&failures, &[]);
    let (log, thread) = stage.start();
    let (sink, answers) = sink();
    for failure in 0..=limits::RESTARTS_MAX {
        assert_eq!(log.health().broken(), None, "after {failure}");
        log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
        assert_eq!(wait(&answers), [Answer::Unknown]);
    }
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert!(
        matches!(wait(&answers)[..], [Answer::Refused(Reject::Retry { .. })]),
        "certainly not written"
    );
    settle(&log);
    assert!(log.health().broken().is_some());
    let stats = log.health().stats();
    assert_eq!(stats.state, LogState::Broken);
    assert_eq!(stats.restarts, limits::RESTARTS_MAX as u64);
    drop(log);
    thread.join().unwrap();
}

#[test]
fn failures_that_are_far_apart_are_forgiven() {
    let stage = Stage::new(&[Act::PanicBefore; 20], &[]);
    let (log, _thread) = stage.start();
    let (sink, answers) = sink();
    for _ in 0..20 {
        log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
        assert_eq!(wait(&answers), [Answer::Unknown]);
        settle(&log);
        stage.0.pace.pass(limits::RESTART_WITHIN / 4);
    }
    assert_eq!(log.health().broken(), None);
    assert_eq!(log.health().restarts(), 20);
}

/// The thread ends by something that nobody foresaw, while others still write to it.
#[test]
fn its_death_is_loud() {
    let stage = Stage::new(&[], &[]);
    let (log, thread) = stage.start();
    let permit = log.errands.acquire(0).unwrap();
    log.send(Item::Errand(Errand::Die, permit)).unwrap();
    assert!(thread.join().is_err(), "it did panic");
    assert_eq!(log.health().state(), LogState::Broken);
    assert!(log.health().broken().is_some());
    let (sink, _answers) = sink();
    let refused = log.append(append("a", 1, 1), sink);
    assert_eq!(refused, Err(LogUnavailable::Stopped));
}

#[test]
fn a_thread_that_has_done_its_work_ends_quietly() {
    let stage = Stage::new(&[], &[]);
    let (log, thread) = stage.start();
    let health = Arc::clone(log.health());
    drop(log);
    thread.join().unwrap();
    assert_eq!(health.state(), LogState::Ok);
}

/// An owner that is not told would wait for ever; its neighbours are told all the same.
#[test]
fn an_outcome_that_cannot_be_told_is_loud() {
    struct Deaf;
    impl Sink for Deaf {
        fn answered(&self, _: Vec<Answer>) {
            panic!("injected")
        }
    }
    let stage = Stage::new(&[], &[]);
    let (log, thread) = stage.start();
    let (go, is_gone) = sync_channel::<()>(0);
    let hold = Box::new(move || is_gone.recv().unwrap());
    log.fence(stream("c"), Incarnation::new(1), hold).unwrap();
    let (sink, answers) = sink();
    log.append(append("a", 1, 1), Arc::new(Deaf)).unwrap();
    log.append(append("b", 1, 1), sink).unwrap();
    go.send(()).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored]);
    settle(&log);
    assert_eq!(log.health().state(), LogState::Broken);
    drop(log);
    thread.join().unwrap();
}
