//! The write-ahead log stays short, whoever reads, and whoever crashed.

use bridge_core::ports::LogFailure;

use crate::system::Stopwatch;

use super::plans::{Asked, record};
use super::*;

/// It is cut when it is past these many pages.
const SMALL: u64 = 100;
/// It is copied when it has these many frames.
const MUCH: u64 = 1_024;

#[test]
fn a_reader_that_stays_is_noticed_and_the_file_is_cut_when_it_has_gone() {
    let place = Place::new();
    let Opened { mut log, .. } = place.open();
    log.wal.cut_at = SMALL;
    append_posts(&mut log, 1..=1);
    let mut reader = place.stranger();
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM log")
        .unwrap();
    append_posts(&mut log, 2..=200);
    rest(&mut log);
    assert!(log.wal.frames().open() > 0, "the reader keeps it");
    assert!(log.wal.told_at > SMALL, "the operator was told");
    let (told_at, bytes) = (log.wal.told_at, place.wal_bytes());
    append_posts(&mut log, 201..=202);
    rest(&mut log);
    assert_eq!(
        log.wal.told_at, told_at,
        "it is told once, until it has doubled"
    );
    assert!(place.wal_bytes() > bytes);
    append_posts(&mut log, 203..=420);
    rest(&mut log);
    assert!(log.wal.told_at >= 2 * told_at);
    reader.batch_execute("COMMIT").unwrap();
    rest(&mut log);
    assert_eq!((place.wal_bytes(), log.wal.told_at), (0, 0), "it is cut");
}

/// Appends about so many frames: a post takes three for its text, and some for what leads to it.
fn append_frames(log: &mut SqliteLog, next: &mut u64, frames: u64) {
    let before = log.wal.frames().written;
    while log.wal.frames().written < before + frames {
        append_posts(log, *next..=*next + 63);
        *next += 64;
    }
}

/// Waits for the copy that is under way, as a writer does that has nothing else to do for a moment.
fn let_it_be_copied(log: &mut SqliteLog) {
    let until = Stopwatch::start();
    while log.wal.is_being_copied() {
        assert!(until.elapsed() < Duration::from_secs(30), "it ends");
        std::thread::yield_now();
        log.upkeep(false).unwrap();
    }
}

/// A writer that has nothing to do: the bulk is copied beside it, and then the rest by it.
fn rest(log: &mut SqliteLog) {
    for _ in 0..2 {
        log.upkeep(true).unwrap();
        let_it_be_copied(log);
    }
}

#[test]
fn under_load_it_is_copied_beside_the_writer_and_begins_anew() {
    let place = Place::new();
    let Opened { mut log, store, .. } = place.open();
    log.wal.copied_from = MUCH;
    let mut next = 1;
    append_frames(&mut log, &mut next, MUCH);
    log.upkeep(false).unwrap();
    assert!(log.wal.is_being_copied());
    // The writer goes on.
    append_posts(&mut log, next..=next);
    let_it_be_copied(&mut log);
    let frames = log.wal.frames();
    assert_eq!(frames.open(), 0, "{frames:?}");
    append_posts(&mut log, next + 1..=next + 1);
    let anew = log.wal.frames();
    assert!(anew.written < 100, "{anew:?} after {frames:?}");
    assert_eq!(head(&store), next + 1);
}

/// However much is written meanwhile.
#[test]
fn under_load_without_end_it_stays_short() {
    // Some 400 frames, which is more than little.
    const BATCH: u64 = 128;
    let place = Place::new();
    let Opened { mut log, store, .. } = place.open();
    log.wal.copied_from = MUCH;
    let (mut most, mut beginnings, mut last) = (0, 0, 0);
    let mut write = |log: &mut SqliteLog| {
        let before = log.wal.frames().written;
        append_posts(log, last + 1..=last + BATCH);
        last += BATCH;
        let now = log.wal.frames().written;
        most = most.max(now);
        beginnings += u32::from(now < before);
        log.upkeep(false).unwrap();
    };
    for _ in 0..25 {
        write(&mut log);
        // As often as not while it is being copied.
        write(&mut log);
        let_it_be_copied(&mut log);
    }
    assert_eq!(head(&store), last);
    assert!(most < 8 * MUCH && beginnings > 1, "{most} {beginnings}");
}

/// An attempt costs little, but not nothing: under load there is one for every so many frames, also
/// while somebody is in the way.
#[test]
fn it_is_not_tried_after_each_batch() {
    let (place, asked) = (Place::new(), Asked::default());
    let Opened { mut log, .. } = place.open();
    append_posts(&mut log, 1..=1);
    let mut reader = place.stranger();
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM log")
        .unwrap();
    record(&mut log.conn, &asked);
    log.wal.copied_from = MUCH;
    append_posts(&mut log, 2..=2);
    log.upkeep(false).unwrap();
    assert!(!log.wal.is_being_copied(), "there is little to do");
    let mut next = 3;
    append_frames(&mut log, &mut next, MUCH);
    log.upkeep(false).unwrap();
    let_it_be_copied(&mut log);
    for seq in next..next + 3 {
        append_posts(&mut log, seq..=seq);
        log.upkeep(false).unwrap();
        assert!(!log.wal.is_being_copied() && log.wal.frames().open() > 0);
    }
    let asked = asked.lock().unwrap();
    assert!(asked.iter().all(|sql| !sql.contains("wal_checkpoint")));
    drop(asked);
    reader.batch_execute("COMMIT").unwrap();
    rest(&mut log);
    assert_eq!(log.wal.frames().open(), 0);
}

/// A server that is killed again and again before it ever rests.
#[test]
fn what_a_crashed_server_left_is_copied_soon() {
    let crashed = Place::new();
    let mut opened = crashed.open();
    // About 12 KiB each.
    append_posts(&mut opened.log, 1..=1_500);
    let left = crashed.wal_bytes();
    assert!(left > MUCH * 4_096, "{left}");
    // As the disk has them at this moment: it has not been closed.
    let place = Place::new();
    std::fs::copy(crashed.file(), place.file()).unwrap();
    std::fs::copy(wal_path(&crashed.file()), wal_path(&place.file())).unwrap();
    let Opened { mut log, store, .. } = place.open();
    log.wal.copied_from = MUCH;
    assert_eq!(head(&store), 1_500);
    append_posts(&mut log, 1_501..=1_501);
    log.upkeep(false).unwrap();
    let_it_be_copied(&mut log);
    let copied = std::fs::metadata(place.file()).unwrap().len();
    assert!(copied > left / 2, "{copied} of {left}");
    append_posts(&mut log, 1_502..=1_502);
    log.upkeep(false).unwrap();
    let size = place.wal_bytes();
    append_posts(&mut log, 1_503..=1_600);
    assert_eq!(
        place.wal_bytes(),
        size,
        "it is used again from its beginning"
    );
}

/// Each of them is gone in a moment, and there is always one.
#[test]
fn readers_that_come_and_go_do_not_make_it_grow_without_end() {
    let place = Place::new();
    let Opened { mut log, .. } = place.open();
    append_posts(&mut log, 1..=1);
    (log.wal.copied_from, log.wal.cut_at) = (MUCH, 3 * MUCH);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut reader = place.stranger();
                reader.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                while !is_over.load(std::sync::atomic::Ordering::Acquire) {
                    let some = "SELECT body FROM log LIMIT 300";
                    let look = format!("SELECT sum(length(body)) FROM ({some})");
                    reader.batch_execute(&look).unwrap();
                }
            });
        }
        let mut most = 0;
        for batch in 0..100 {
            append_posts(&mut log, 64 * batch + 2..=64 * batch + 65);
            log.upkeep(false).unwrap();
            let_it_be_copied(&mut log);
            most = most.max(log.wal.frames().written);
        }
        is_over.store(true, std::sync::atomic::Ordering::Release);
        // It was tried to cut it at three times as much, and, if they were too slow then, at twice that.
        let bound = 2 * log.wal.cut_at + 2 * MUCH;
        assert!(most < bound, "{most} of 19,000 and more");
    });
}

/// What the disk refused is in the log only, which must not be taken for superfluous.
#[test]
fn a_disk_that_refuses_what_was_copied_ends_the_writing_and_the_log_stays() {
    let place = Place::new();
    let Opened {
        mut log,
        store,
        reopen,
    } = place.open();
    log.wal.copied_from = MUCH;
    log.wal.set_sync(|_| Err(std::io::Error::other("injected")));
    let mut next = 1;
    append_frames(&mut log, &mut next, MUCH);
    log.upkeep(false).unwrap();
    let until = Stopwatch::start();
    while !log.wal.is_refused() {
        assert!(until.elapsed() < Duration::from_secs(30), "it ends");
        std::thread::yield_now();
    }
    let late = log.append(&[&post("den", next, 1)]);
    assert!(matches!(late, Err(LogFailure::Broken(_))), "{late:?}");
    let told = log.upkeep(false);
    assert!(matches!(told, Err(LogFailure::Broken(_))), "{told:?}");
    let left = place.wal_bytes();
    drop(log);
    assert!(reopen.log().is_err(), "it is not gone on with");
    drop(store);
    assert_eq!(place.wal_bytes(), left, "a new start has all of it");
}

/// The writer does not go on as if nothing had been.
#[test]
fn a_copy_that_the_disk_refuses_is_told_as_if_the_writer_had_made_it() {
    let place = Place::new();
    let Opened { mut log, .. } = place.open();
    log.wal.copied_from = MUCH;
    let mut next = 1;
    append_frames(&mut log, &mut next, MUCH);
    log.upkeep(false).unwrap();
    let_it_be_copied(&mut log);
    append_posts(&mut log, next..=next);
    next += 1;
    append_frames(&mut log, &mut next, MUCH);
    let file = wal_path(&place.file());
    let wal = std::fs::OpenOptions::new().write(true).open(&file);
    // What is in the log is not where it was.
    wal.unwrap().set_len(0).unwrap();
    log.upkeep(false).unwrap();
    let until = Stopwatch::start();
    let failed = loop {
        assert!(until.elapsed() < Duration::from_secs(30), "it ends");
        if let Err(why) = log.upkeep(false) {
            break why;
        }
    };
    assert!(matches!(failed, LogFailure::Broken(_)), "{failed:?}");
}

/// It is as large as it will be before it is needed, and again after the last one closed.
#[test]
fn the_index_of_the_log_is_reserved_at_the_start() {
    let place = Place::new();
    let bytes = |place: &Place| {
        let index = place.folder.path().join(format!("{FILE_NAME}-shm"));
        std::fs::metadata(index).unwrap().len()
    };
    let mut opened = place.open();
    let reserved = bytes(&place);
    append_posts(&mut opened.log, 1..=1_500);
    assert!(place.wal_bytes() > 4_096 * 4_120, "past its first part");
    assert_eq!(bytes(&place), reserved);
    drop(opened);
    let mut opened = place.open();
    assert_eq!(bytes(&place), reserved);
    append_posts(&mut opened.log, 1_501..=1_501);
    assert_eq!(head(&opened.store), 1_501);
}
