use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use bridge_core::event::{Envelope, Event, Posted, RoomClosed, Stream};
use bridge_core::fake::{Fault, MemoryLog, MemoryStore};
use bridge_core::ports::{Directory, LogFailure, Reader, Record};
use bridge_core::{ChannelName, Epoch, MessageId, Reject, Seq, Timestamp};
use uuid::Uuid;

use super::*;

mod recovery;
mod stalled;

struct Answers(Mutex<SyncSender<Vec<Answer>>>);

impl Sink for Answers {
    fn answered(&self, answers: Vec<Answer>) {
        self.0.lock().unwrap().send(answers).unwrap();
    }
}

fn sink() -> (Arc<dyn Sink>, Receiver<Vec<Answer>>) {
    let (sender, receiver) = sync_channel(100);
    (Arc::new(Answers(Mutex::new(sender))), receiver)
}

fn stream(name: &str) -> Stream {
    Stream::Room(name.parse().unwrap())
}

fn append(room: &str, seq: u64, incarnation: u64) -> Append {
    let envelope = Envelope {
        stream: stream(room),
        seq: Seq::new(seq),
        at: Timestamp::from_millis(1),
        by: "ann".parse().unwrap(),
        key: None,
        event: Event::RoomClosed(RoomClosed { reason: None }),
    };
    Append {
        incarnation: Incarnation::new(incarnation),
        records: vec![Record::new(Arc::new(envelope))],
    }
}

fn wait(answers: &Receiver<Vec<Answer>>) -> Vec<Answer> {
    answers
        .recv_timeout(Duration::from_secs(10))
        .expect("the writer answers")
}

fn start_with(faults: &[Fault]) -> (LogHandle, MemoryStore, JoinHandle<()>) {
    let store = MemoryStore::new(Epoch::from_uuid(Uuid::from_u128(1)));
    let mut log = MemoryLog::new(store.clone());
    for fault in faults {
        log.inject(*fault);
    }
    let (handle, thread) = start(Box::new(log), never_again(), LogMetrics::none()).unwrap();
    (handle, store, thread)
}

/// For logs that do not fail.
fn never_again() -> Reopen {
    Box::new(|| Err("there is no other log".to_owned()))
}

#[test]
fn answers_follow_the_commit() {
    let (log, store, thread) = start_with(&[]);
    let (sink, answers) = sink();
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored]);
    assert_eq!(store.head(&stream("a")), Ok(Seq::new(1)));
    assert_eq!(log.health().stats().records, 1);
    drop(log);
    thread.join().unwrap();
}

#[test]
fn what_is_queued_is_written_before_the_thread_ends() {
    let (log, store, thread) = start_with(&[]);
    let (sink, _answers) = sink();
    for seq in 1..=50 {
        log.append(append("a", seq, 1), Arc::clone(&sink)).unwrap();
    }
    drop(log);
    thread.join().unwrap();
    assert_eq!(store.head(&stream("a")), Ok(Seq::new(50)));
}

#[test]
fn a_fence_lets_earlier_drafts_through_and_drops_later_ones_of_the_same_life() {
    let (log, store, _thread) = start_with(&[]);
    let (sink, answers) = sink();
    let (fenced, is_fenced) = sync_channel(1);
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    let done = Box::new(move || fenced.send(()).unwrap());
    log.fence(stream("a"), Incarnation::new(2), done).unwrap();
    is_fenced
        .recv_timeout(Duration::from_secs(10))
        .expect("the fence is set");
    assert_eq!(
        store.head(&stream("a")),
        Ok(Seq::new(1)),
        "written before the fence was set"
    );
    assert_eq!(wait(&answers), [Answer::Stored]);
    log.append(append("a", 2, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::NotNext], "an earlier life");
    log.append(append("b", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored], "another stream");
    log.append(append("a", 2, 2), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored], "the new life");
}

/// A post that calls somebody: it has an effect on another stream.
fn calling(room: &str, seq: u64) -> Append {
    let posted = Posted {
        id: MessageId::from_uuid(Uuid::from_u128(u128::from(seq))),
        channel: ChannelName::main(),
        text: "@bob look".parse().unwrap(),
        reply_to: None,
        mentions: vec!["bob".parse().unwrap()],
        metadata: None,
    };
    let mut envelope = (*append(room, seq, 1).records[0].envelope).clone();
    envelope.event = Event::Posted(posted);
    Append {
        incarnation: Incarnation::new(1),
        records: vec![Record::new(Arc::new(envelope))],
    }
}

#[test]
fn what_was_followed_up_is_forgotten_behind_what_was_queued_before() {
    let (log, store, thread) = start_with(&[]);
    let (sink, _answers) = sink();
    for seq in 1..=3 {
        log.append(calling("a", seq), Arc::clone(&sink)).unwrap();
    }
    let (tell, forgotten) = std::sync::mpsc::sync_channel(1);
    let done = vec![(stream("a"), Seq::new(1)), (stream("a"), Seq::new(3))];
    let tell = Box::new(move || tell.send(()).unwrap());
    log.follow_ups_done(done, tell).unwrap();
    forgotten.recv().expect("it is told when that is written");
    assert_eq!(store.follow_ups(None, 9).unwrap().len(), 1);
    drop(log);
    thread.join().unwrap();
    let open = store.follow_ups(None, 9).unwrap();
    let open: Vec<_> = open.iter().map(|open| open.envelope.seq.get()).collect();
    assert_eq!(open, [2]);
}

#[test]
fn a_log_that_breaks_over_an_errand_says_so() {
    let (log, _thread) = start(Box::new(BadLog), never_again(), LogMetrics::none()).unwrap();
    let (sink, answers) = sink();
    let (tell, forgotten) = std::sync::mpsc::sync_channel(1);
    let tell = Box::new(move || tell.send(()).unwrap());
    log.follow_ups_done(vec![(stream("a"), Seq::new(1))], tell)
        .unwrap();
    assert!(forgotten.recv().is_err(), "it is not forgotten");
    log.append(append("a", 1, 1), sink).unwrap();
    assert!(
        matches!(wait(&answers)[..], [Answer::Refused(_)]),
        "certainly not written"
    );
    assert_eq!(log.health().broken().as_deref(), Some("fsync failed"));
}

#[test]
fn a_passing_failure_is_told_and_passes() {
    let (log, _store, _thread) = start_with(&[Fault::Full, Fault::AbortUnknown]);
    let (sink, answers) = sink();
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Refused(Reject::StorageFull)]);
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Unknown]);
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Stored]);
    assert_eq!(log.health().broken(), None);
}

/// A log whose fsync fails.
struct BadLog;

impl Log for BadLog {
    fn append(&mut self, _: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        Err(LogFailure::Broken("fsync failed".into()))
    }

    fn save_snapshot(&mut self, _: &Stream, _: &Snapshot) -> Result<(), LogFailure> {
        Ok(())
    }

    fn follow_ups_done(&mut self, _: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        Err(LogFailure::Broken("fsync failed".into()))
    }

    fn upkeep(&mut self, _: bool) -> Result<(), LogFailure> {
        Ok(())
    }
}

/// The kernel may have dropped the pages, so asking again would be told that all is well.
#[test]
fn a_broken_log_acknowledges_nothing_more_and_is_not_opened_again() {
    let reopen = || panic!("a failed fsync is never tried again");
    let (log, thread) = start(Box::new(BadLog), Box::new(reopen), LogMetrics::none()).unwrap();
    let (sink, answers) = sink();
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert_eq!(wait(&answers), [Answer::Unknown]);
    log.append(append("a", 1, 1), Arc::clone(&sink)).unwrap();
    assert!(
        matches!(wait(&answers)[..], [Answer::Refused(_)]),
        "certainly not written"
    );
    let health = Arc::clone(log.health());
    drop(log);
    thread.join().unwrap();
    assert_eq!(health.broken().as_deref(), Some("fsync failed"));
    let stats = health.stats();
    assert_eq!((stats.state, stats.restarts), (LogState::Broken, 0));
    assert_eq!((stats.failures, stats.batches), (1, 0));
}

#[test]
fn the_queue_is_bounded() {
    let (log, _store, _thread) = start_with(&[]);
    let permits: Vec<_> = (0..limits::LOG_QUEUE_DRAFTS_MAX)
        .map(|_| log.permit(1))
        .collect();
    assert!(permits.iter().all(Option::is_some));
    assert!(log.permit(1).is_none());
    drop(permits);
    assert!(log.permit(1).is_some());
}

/// A log that tells of each time that it is looked at while nobody writes.
struct Asked {
    inner: MemoryLog,
    told: SyncSender<()>,
}

impl Log for Asked {
    fn append(&mut self, batch: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        self.inner.append(batch)
    }

    fn save_snapshot(&mut self, stream: &Stream, snapshot: &Snapshot) -> Result<(), LogFailure> {
        self.inner.save_snapshot(stream, snapshot)
    }

    fn follow_ups_done(&mut self, done: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        self.inner.follow_ups_done(done)
    }

    fn upkeep(&mut self, idle: bool) -> Result<(), LogFailure> {
        if idle && self.told.try_send(()).is_err() {
            // The test is over.
        }
        self.inner.upkeep(idle)
    }
}

/// The database may have another owner by now, and who only listens would never hear of it.
#[test]
fn a_store_is_asked_again_and_again_whether_it_is_there() {
    let store = MemoryStore::new(Epoch::from_uuid(Uuid::from_u128(1)));
    let (told, asked) = sync_channel(10);
    let log = Asked {
        inner: MemoryLog::new(store),
        told,
    };
    let (log, thread) = start(Box::new(log), never_again(), LogMetrics::none()).unwrap();
    for _ in 0..2 {
        let patience = 2 * limits::STORE_ASKED_EVERY;
        asked.recv_timeout(patience).expect("it is asked");
    }
    drop(log);
    thread.join().unwrap();
}
