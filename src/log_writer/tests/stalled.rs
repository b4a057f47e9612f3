//! A disk that does not answer: it is seen, and what waits for it is bounded.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// A log that tells when it is asked, and answers when it is told to.
struct Slow {
    inner: MemoryLog,
    asked: SyncSender<()>,
    answer: Receiver<()>,
}

impl Slow {
    fn hold<T>(&mut self, work: impl FnOnce(&mut MemoryLog) -> T) -> T {
        self.asked.send(()).unwrap();
        self.answer.recv().unwrap();
        work(&mut self.inner)
    }
}

impl Log for Slow {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        self.hold(|log| log.append(batch))
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.hold(|log| log.save_snapshot(stream, snapshot))
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.inner.follow_ups_done(done)
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        self.inner.upkeep(idle)
    }
}

#[derive(Default)]
struct Turned(AtomicU64);

impl Pace for Turned {
    fn uptime(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn wait(&self, _: Duration) {}
}

struct Stalling {
    log: LogHandle,
    asked: Receiver<()>,
    answer: SyncSender<()>,
    time: Arc<Turned>,
}

fn stalling() -> Stalling {
    let store = MemoryStore::new(Epoch::from_uuid(Uuid::from_u128(1)));
    let (told, asked) = sync_channel(1);
    let (answer, answered) = sync_channel(1);
    let slow = Slow {
        inner: MemoryLog::new(store),
        asked: told,
        answer: answered,
    };
    let time = Arc::new(Turned::default());
    // Uptime begins some time before the log does.
    time.0.store(60_000, Ordering::Relaxed);
    let pace = Arc::clone(&time) as Arc<dyn Pace>;
    let (log, _thread) = start_at(Box::new(slow), never_again(), pace, LogMetrics::none()).unwrap();
    Stalling {
        log,
        asked,
        answer,
        time,
    }
}

impl Stalling {
    fn wait_until_asked(&self) {
        self.asked.recv_timeout(Duration::from_secs(10)).unwrap();
    }

    fn turn(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.time.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn state(&self) -> LogState {
        self.log.health().state()
    }
}

#[test]
fn a_disk_that_does_not_answer_is_seen_and_so_is_that_it_does_again() {
    let stalling = stalling();
    let (sink, answers) = sink();
    assert_eq!(stalling.log.health().stats().at_work, None);
    stalling.log.append(append("a", 1, 1), sink).unwrap();
    stalling.wait_until_asked();
    stalling.turn(limits::LOG_STALLED_AFTER - Duration::from_millis(1));
    assert_eq!(stalling.state(), LogState::Ok, "a slow one");
    stalling.turn(Duration::from_millis(1));
    assert_eq!(stalling.state(), LogState::Stalled);
    assert!(stalling.log.permit(1).is_none(), "nothing more is taken");
    let at_work = stalling.log.health().stats().at_work;
    assert_eq!(at_work, Some(limits::LOG_STALLED_AFTER));
    stalling.answer.send(()).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored]);
    assert_eq!(stalling.state(), LogState::Ok, "it is over");
    assert!(stalling.log.permit(1).is_some(), "it goes on");
    stalling.turn(2 * limits::LOG_STALLED_AFTER);
    assert_eq!(stalling.state(), LogState::Ok, "rest is no work");
}

/// So is anything else that the disk is asked for.
#[test]
fn a_snapshot_that_hangs_is_seen() {
    let stalling = stalling();
    let snapshot = Snapshot {
        seq: Seq::new(1),
        format: 1,
        body: bytes::Bytes::new(),
    };
    stalling.log.save_snapshot(stream("a"), snapshot).unwrap();
    stalling.wait_until_asked();
    stalling.turn(limits::LOG_STALLED_AFTER);
    assert_eq!(stalling.state(), LogState::Stalled);
    stalling.answer.send(()).unwrap();
}

/// Whoever appends holds a permit, so there is never more in the queue than permits, neither by
/// number nor by bytes.
#[test]
fn what_waits_for_it_is_bounded() {
    let stalling = stalling();
    let (sink, answers) = sink();
    let first = stalling.log.permit(1).unwrap();
    stalling
        .log
        .append(append("a", 1, 1), Arc::clone(&sink))
        .unwrap();
    stalling.wait_until_asked();
    let mut permits = vec![first];
    let mut seq = 1;
    while let Some(permit) = stalling.log.permit(1) {
        permits.push(permit);
        seq += 1;
        stalling
            .log
            .append(append("a", seq, 1), Arc::clone(&sink))
            .expect("whoever has a permit has a place");
    }
    assert_eq!(permits.len(), limits::LOG_QUEUE_DRAFTS_MAX);
    let retire = || stalling.log.retire(stream("b"));
    for _ in 0..limits::LOG_ERRANDS_MAX {
        retire().expect("errands have places of their own");
    }
    assert_eq!(retire(), Err(LogUnavailable::Full));
    drop(permits);
    let (most, rest) = (limits::LOG_QUEUE_BYTES_MAX - 1, 1);
    let large = [most, rest].map(|bytes| stalling.log.permit(bytes));
    assert!(large.iter().all(Option::is_some));
    assert!(stalling.log.permit(1).is_none(), "bytes are bounded too");
    // It answers again, and everything that waited is written.
    let mut stored = 0;
    stalling.answer.send(()).unwrap();
    while stored < limits::LOG_QUEUE_DRAFTS_MAX {
        if let Ok(told) = answers.recv_timeout(Duration::from_millis(1)) {
            assert!(told.iter().all(|answer| *answer == Answer::Stored));
            stored += told.len();
        }
        if stalling.asked.try_recv().is_ok() {
            stalling.answer.send(()).unwrap();
        }
    }
}
