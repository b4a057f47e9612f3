//! The write-ahead log stays short, whoever reads, and whoever crashed.

use bridge_core::limits;

use super::plans::{Asked, record};
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
    let (place, asked) = (Place::new(), Asked::default());
    let Opened { mut log, .. } = place.open();
    append_posts(&mut log, 1..=1);
    let mut reader = place.stranger();
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM log")
        .unwrap();
    record(&mut log.conn, &asked);
    let tries = || {
        let asked = asked.lock().unwrap();
        let tries = asked.iter().filter(|sql| sql.contains("wal_checkpoint"));
        tries.count()
    };
    append_posts(&mut log, 2..=2);
    log.upkeep(false).unwrap();
    assert_eq!(tries(), 0, "there is little to do");
    log.wal.wrote(limits::WAL_PAGES_MAX);
    for seq in 3..=5 {
        append_posts(&mut log, seq..=seq);
        log.upkeep(false).unwrap();
        assert!(log.wal.is_behind);
    }
    assert_eq!(tries(), 1);
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
