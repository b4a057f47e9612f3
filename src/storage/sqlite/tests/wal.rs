//! The write-ahead log stays short, whoever reads, and whoever crashed.

use bridge_core::limits;

use super::*;

/// It is cut when it is past these many pages.
const SMALL: u64 = 100;

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
    log.upkeep(true).unwrap();
    assert!(log.wal.is_behind, "the reader keeps it");
    assert!(log.wal.told_at > SMALL, "the operator was told");
    let (told_at, bytes) = (log.wal.told_at, place.wal_bytes());
    append_posts(&mut log, 201..=202);
    log.upkeep(true).unwrap();
    assert_eq!(
        log.wal.told_at, told_at,
        "it is told once, until it has doubled"
    );
    assert!(place.wal_bytes() > bytes);
    append_posts(&mut log, 203..=420);
    log.upkeep(true).unwrap();
    assert!(log.wal.told_at >= 2 * told_at);
    reader.batch_execute("COMMIT").unwrap();
    log.upkeep(true).unwrap();
    assert_eq!((place.wal_bytes(), log.wal.told_at), (0, 0), "it is cut");
}

/// An attempt costs little, but not nothing: under load there is one for every so many pages, also
/// while somebody is in the way.
#[test]
fn it_is_not_tried_after_each_batch() {
    let place = Place::new();
    let Opened { mut log, .. } = place.open();
    append_posts(&mut log, 1..=1);
    let mut reader = place.stranger();
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM log")
        .unwrap();
    log.wal.wrote(limits::WAL_PAGES_MAX);
    append_posts(&mut log, 2..=2);
    log.upkeep(false).unwrap();
    assert!(log.wal.is_behind);
    append_posts(&mut log, 3..=3);
    let before = log.wal.written;
    assert!(before > 0);
    log.upkeep(false).unwrap();
    assert_eq!(log.wal.written, before, "there was no attempt");
}

/// A server that is killed again and again before it ever rests.
#[test]
fn what_a_crashed_server_left_is_copied_soon() {
    let crashed = Place::new();
    let mut opened = crashed.open();
    // About 12 KiB each, and 16 MiB are the bound.
    append_posts(&mut opened.log, 1..=1_500);
    let left = crashed.wal_bytes();
    assert!(left > limits::WAL_PAGES_MAX * 4_096, "{left}");
    // As the disk has them at this moment: it has not been closed.
    let place = Place::new();
    std::fs::copy(crashed.file(), place.file()).unwrap();
    std::fs::copy(wal_path(&crashed.file()), wal_path(&place.file())).unwrap();
    let Opened { mut log, store, .. } = place.open();
    assert_eq!(head(&store), 1_500);
    append_posts(&mut log, 1_501..=1_501);
    log.upkeep(false).unwrap();
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
