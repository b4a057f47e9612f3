//! Pages, heads, snapshots, and what a restart keeps.

use bytes::Bytes;

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::script::{self, draft, founded, post, said};
use crate::event::Envelope;
use crate::id::{Seq, Timestamp};
use crate::limits;
use crate::ports::Snapshot;
use crate::stored;

fn seqs(page: &[Envelope]) -> Vec<u64> {
    page.iter().map(|record| record.seq.get()).collect()
}

/// Over all streams, to the second.
pub fn the_newest_time_is_known_after_a_restart(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let latest = |desk: &Desk<'_>| {
        let latest = desk.store().latest();
        latest.expect("a store without a fault can be read")
    };
    assert_eq!(latest(&desk), Timestamp::default());
    desk.stores(&[founded("alpha"), founded("beta")]);
    for (room, millis) in [
        ("alpha", 60_000),
        ("beta", 30_000),
        ("beta", 60_500),
        ("alpha", 90_000),
    ] {
        let seq = desk.head(room) + 1;
        let mut record = said(room, seq, "later");
        record.at = script::at(1).plus_millis(millis);
        desk.stores(&[draft([record])]);
        for _ in 0..2 {
            let behind = script::at(1)
                .plus_millis(millis.max(60_000))
                .millis_since(latest(&desk));
            assert!(
                (0..1_000).contains(&behind),
                "{room} at {millis}: {behind} ms behind"
            );
            desk.restart();
        }
    }
}

/// From the position after the given one, in order, as many as were asked for.
pub fn a_page_is_bounded_in_records(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&(3..=20).map(|seq| post("alpha", seq)).collect::<Vec<_>>());
    let alpha = script::stream("alpha");
    assert_eq!(seqs(&desk.page(&alpha, 0, 1)), [1]);
    assert_eq!(seqs(&desk.page(&alpha, 4, 3)), [5, 6, 7]);
    assert_eq!(seqs(&desk.page(&alpha, 17, 3)), [18, 19, 20]);
    assert_eq!(seqs(&desk.page(&alpha, 18, 500)), [19, 20]);
}

/// A page of large messages is short, and one message larger than a page is still a page.
pub fn a_page_is_bounded_in_bytes_but_never_empty(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let large = "🦀".repeat(limits::TEXT_CHARS_MAX);
    let records: Vec<_> = (3..=60).map(|seq| said("alpha", seq, &large)).collect();
    let one_record_bytes = stored::encode(&records[0].event).len();
    let bytes_max = limits::PAGE_BYTES_MAX + one_record_bytes;
    assert!(
        one_record_bytes * records.len() > 2 * bytes_max,
        "the case needs several pages"
    );
    for chunk in records.chunks(20) {
        desk.stores(
            &chunk
                .iter()
                .map(|record| draft([record.clone()]))
                .collect::<Vec<_>>(),
        );
    }
    let alpha = script::stream("alpha");
    let (mut after, mut pages) = (2, 0);
    while after < 60 {
        let page = desk.page(&alpha, after, limits::PAGE_RECORDS_MAX);
        let bytes: usize = page
            .iter()
            .map(|record| stored::encode(&record.event).len())
            .sum();
        assert!(
            bytes <= bytes_max,
            "{bytes} bytes in a page of {} records",
            page.len()
        );
        let expected: Vec<_> = (after + 1..).take(page.len()).collect();
        assert_eq!(seqs(&page), expected);
        after = page
            .last()
            .expect("a page before the head has a record")
            .seq
            .get();
        pages += 1;
    }
    assert!(
        pages <= 6,
        "a page is not much smaller than it may be: {pages} pages"
    );
}

/// Those that are asked for and are there, in order of seq, however they are asked for.
pub fn records_are_read_by_their_positions(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha");
    desk.stores(&(3..=9).map(|seq| post("Alpha", seq)).collect::<Vec<_>>());
    desk.stores(&[founded("beta")]);
    desk.restart();
    let read = |room: &str, seqs: &[u64]| {
        let wanted: Vec<Seq> = seqs.iter().copied().map(Seq::new).collect();
        let found = desk.store().records(&script::stream(room), &wanted);
        found.expect("a store without a fault can be read")
    };
    assert_eq!(seqs(&read("Alpha", &[7, 2, 9])), [2, 7, 9]);
    assert_eq!(seqs(&read("alpha", &[5, 5, 0, 10, u64::MAX, 4])), [4, 5]);
    assert_eq!(seqs(&read("beta", &[7, 2, 9])), [2]);
    assert_eq!(seqs(&read("Alpha", &[])), [0; 0]);
    assert_eq!(seqs(&read("gamma", &[1])), [0; 0]);
    let log = desk.all("Alpha");
    assert_eq!(read("ALPHA", &[3, 1]), [log[0].clone(), log[2].clone()]);
}

/// At the head, ahead of it, and of a stream that nobody has written.
pub fn a_page_behind_the_head_is_empty(bench: &dyn Bench) {
    let desk = Desk::with_room(bench, "alpha");
    for (room, after) in [("alpha", 2), ("alpha", 3), ("alpha", 1 << 40), ("beta", 0)] {
        assert_eq!(
            desk.page(&script::stream(room), after, 10),
            [],
            "{room} after {after}"
        );
    }
}

/// A room's id is found without regard to case; its records say what its creator wrote.
pub fn a_stream_is_read_under_any_spelling(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha");
    desk.stores(&[post("Alpha", 3)]);
    let records = desk.all("Alpha");
    for spelling in ["alpha", "ALPHA", "aLPHa"] {
        assert_eq!(desk.head(spelling), 3, "{spelling}");
        let read = desk.all(spelling);
        assert_eq!(read, records, "{spelling}");
        assert!(
            read.iter()
                .all(|record| record.stream.to_string() == "room:Alpha"),
            "{spelling}"
        );
    }
}

/// What was acknowledged is there.
pub fn heads_survive_a_restart(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("alpha"), founded("beta"), post("alpha", 3)]);
    desk.restart();
    assert_eq!(
        (desk.head("alpha"), desk.head("beta"), desk.head("gamma")),
        (3, 2, 0)
    );
    desk.stores(&[post("alpha", 4), post("beta", 3), founded("gamma")]);
    desk.restart();
    assert_eq!(
        (desk.head("alpha"), desk.head("beta"), desk.head("gamma")),
        (4, 3, 2)
    );
}

/// It changes when a backup is restored, and only then.
pub fn the_epoch_survives_a_restart(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let epoch = desk.store().epoch();
    desk.restart();
    assert_eq!(desk.store().epoch(), epoch);
    desk.stores(&[founded("alpha")]);
    desk.restart();
    assert_eq!(desk.store().epoch(), epoch);
}

/// One for each stream, bytes of any value, and the stream is found under any spelling.
pub fn a_snapshot_is_kept_replaced_and_survives_a_restart(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("Alpha"), founded("beta")]);
    let every_byte: Vec<u8> = (0..=255).collect();
    let first = Snapshot {
        seq: Seq::new(1),
        format: 1,
        body: Bytes::from(every_byte),
    };
    let second = Snapshot {
        seq: Seq::new(2),
        format: 7,
        body: Bytes::from_static(b"second"),
    };
    for (spelling, snapshot) in [("Alpha", first), ("ALPHA", second)] {
        let saved = desk
            .log()
            .save_snapshot(&script::stream(spelling), &snapshot);
        assert_eq!(saved, Ok(()));
        for _ in 0..2 {
            let read = desk.store().snapshot(&script::stream("alpha"));
            assert_eq!(read, Ok(Some(snapshot.clone())));
            assert_eq!(desk.store().snapshot(&script::stream("beta")), Ok(None));
            desk.restart();
        }
    }
    assert_eq!(desk.head("alpha"), 2, "a snapshot is no record");
}

/// It may be called at any time.
pub fn upkeep_changes_nothing_that_can_be_read(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    assert_eq!(desk.log().upkeep(true), Ok(()));
    desk.stores(&[founded("alpha"), post("alpha", 3)]);
    let before = desk.all("alpha");
    for idle in [false, true, true, false] {
        assert_eq!(desk.log().upkeep(idle), Ok(()));
        assert_eq!(desk.all("alpha"), before);
    }
    desk.stores(&[post("alpha", 4)]);
    assert_eq!(desk.head("alpha"), 4);
}
