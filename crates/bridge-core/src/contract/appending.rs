//! Drafts land in order, whole, and next to each other without harm.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail;
use crate::contract::motions;
use crate::contract::script::{self, draft, founded, granted, joined, post, said};
use crate::event::Envelope;
use crate::id::{Epoch, Seq};
use crate::owner::Answer;
use crate::ports::{
    Append, CritiquesQuery, DeadLettersQuery, DecisionsQuery, PostsQuery, Snapshot, Window,
};

/// Nothing is found, and nothing fails.
pub fn an_empty_store_holds_nothing(bench: &dyn Bench) {
    let desk = Desk::new(bench);
    let store = desk.store();
    let query = PostsQuery {
        channel: None,
        window: Window::Newest,
        records_max: 10,
    };
    assert_eq!(store.head(&script::stream("alpha")), Ok(Seq::ZERO));
    assert_eq!(
        store.page(&script::stream("alpha"), Seq::ZERO, 10),
        Ok(vec![])
    );
    assert_eq!(store.snapshot(&script::stream("alpha")), Ok(None));
    assert_eq!(store.message(script::message("alpha", 1)), Ok(None));
    assert_eq!(
        store.memberships(&script::client("ann"), None, 10),
        Ok(vec![])
    );
    assert_eq!(store.membership_count(&script::client("ann")), Ok(0));
    assert_eq!(store.rooms(&script::client("ann"), None, 10), Ok(vec![]));
    assert_eq!(store.posts(&script::room("alpha"), &query), Ok(vec![]));
    assert_eq!(store.posts_total(), Ok(0));
    assert_eq!(
        store.records(&script::stream("alpha"), &[Seq::new(1)]),
        Ok(vec![])
    );
    assert_eq!(store.clients_like(&script::client("ann"), 10), Ok(vec![]));
    assert_eq!(store.delivery(&mail::mailbox("ann"), mail::id(1)), Ok(None));
    assert_eq!(store.message_history(mail::id(1)), Ok(vec![]));
    let letters = DeadLettersQuery {
        of: None,
        before: None,
        rows_max: 10,
    };
    assert_eq!(store.dead_letters(&letters), Ok(vec![]));
    assert_eq!(store.next_due(script::at(1)), Ok(None));
    assert_eq!(store.due_mailboxes(script::at(1), 10), Ok(vec![]));
    assert_eq!(
        store.due_deliveries(&script::client("ann"), script::at(1), 10),
        Ok(vec![])
    );
    assert_eq!(store.follow_ups(None, 10), Ok(vec![]));
    let motions = DecisionsQuery {
        state: None,
        before: None,
        rows_max: 10,
    };
    assert_eq!(store.decision_history(motions::decision(1)), Ok(vec![]));
    assert_eq!(
        store.decisions(&script::room("alpha"), &motions),
        Ok(vec![])
    );
    let critiques = CritiquesQuery {
        is_open: None,
        before: None,
        rows_max: 10,
    };
    assert_eq!(
        store.critiques(&script::room("alpha"), &critiques),
        Ok(vec![])
    );
    assert_eq!(store.due_rooms(script::at(1), 10), Ok(vec![]));
    assert_ne!(
        store.epoch(),
        Epoch::from_uuid(uuid::Uuid::nil()),
        "a life has a name"
    );
}

/// Every field of every record, as it was written: spellings, times, keys, fingerprints.
pub fn every_kind_of_event_is_read_back_unchanged(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let logs = [
        script::one_of_each("Alpha.Team"),
        mail::one_of_each("Bob.Dev"),
        mail::one_of_each_to_all(),
        room_with_motions("Beta"),
    ];
    for envelope in logs.concat() {
        desk.stores(&[draft([envelope])]);
    }
    for _ in 0..2 {
        for log in &logs {
            same_to_the_letter(&desk.log_of(&log[0].stream), log);
        }
        desk.restart();
    }
}

/// The log of a room in which motions are decided.
fn room_with_motions(room: &str) -> Vec<Envelope> {
    let first = founded(room).records.into_iter();
    let first = first.map(|record| Envelope::clone(&record.envelope));
    first.chain(motions::one_of_each(room)).collect()
}

/// A room, a mailbox and the broadcast stream may have one name: each has its own log, its own keys
/// and its own snapshot.
pub fn streams_of_other_kinds_are_other_streams(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let logs = [
        script::one_of_each("Alpha"),
        mail::one_of_each("ALPHA"),
        mail::one_of_each_to_all(),
    ];
    let mut heads = [0; 3];
    // Record by record in turn, all under the same keys.
    for place in 0..logs.iter().map(Vec::len).max().unwrap_or_default() {
        let records = logs.iter().filter_map(|log| log.get(place).cloned());
        let same_key = |record| draft([script::keyed(&format!("key {place}"), record)]);
        desk.stores(&records.map(same_key).collect::<Vec<_>>());
    }
    for (log, head) in logs.iter().zip(&mut heads) {
        let stream = &log[0].stream;
        *head = desk.log_of(stream).len();
        let kinds = desk.log_of(stream);
        let kinds: Vec<_> = kinds.iter().map(|record| record.event.kind()).collect();
        let expected: Vec<_> = log.iter().map(|record| record.event.kind()).collect();
        assert_eq!(kinds, expected, "{stream}");
        let body = bytes::Bytes::from(stream.to_string());
        let snapshot = Snapshot {
            seq: Seq::new(1),
            format: 1,
            body,
        };
        assert_eq!(desk.log().save_snapshot(stream, &snapshot), Ok(()));
    }
    desk.restart();
    for (log, head) in logs.iter().zip(heads) {
        let stream = &log[0].stream;
        assert_eq!(desk.store().head(stream), Ok(Seq::new(head as u64)));
        let snapshot = desk.store().snapshot(stream);
        let snapshot = snapshot.expect("a store without a fault can be read");
        let kept = snapshot.map(|snapshot| snapshot.body);
        assert_eq!(kept, Some(stream.to_string().into()));
    }
}

/// Names are equal without regard to case, so equality alone would not see a changed spelling.
fn same_to_the_letter(read: &[Envelope], written: &[Envelope]) {
    assert_eq!(read.len(), written.len());
    for (read, written) in read.iter().zip(written) {
        assert_eq!(read, written);
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
    }
}

/// From 1, without a gap, whether records come alone or in drafts or in batches.
pub fn positions_are_dense(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[post("alpha", 3)]);
    desk.stores(&[post("alpha", 4), post("alpha", 5)]);
    desk.stores(&[
        draft([said("alpha", 6, "one"), said("alpha", 7, "two")]),
        post("alpha", 8),
    ]);
    let seqs: Vec<_> = desk
        .all("alpha")
        .iter()
        .map(|record| record.seq.get())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(desk.head("alpha"), 8);
}

/// Each stream counts for itself.
pub fn streams_of_one_batch_do_not_disturb_each_other(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let founding = [founded("alpha"), founded("beta"), founded("gamma")];
    let talk = [
        post("beta", 3),
        post("alpha", 3),
        post("beta", 4),
        post("alpha", 4),
    ];
    desk.stores(&founding);
    desk.stores(&talk);
    assert_eq!(
        (desk.head("alpha"), desk.head("beta"), desk.head("gamma")),
        (4, 4, 2)
    );
    for name in ["alpha", "beta", "gamma"] {
        let records = desk.all(name);
        assert!(
            records
                .iter()
                .all(|record| record.stream == script::stream(name)),
            "{name}"
        );
    }
}

fn refused_in_the_middle(desk: &mut Desk<'_>, wrong: &Append) {
    let batch = [
        post("alpha", 3),
        post("beta", 3),
        wrong.clone(),
        post("beta", 4),
    ];
    let answers = desk.append(&batch);
    assert_eq!(
        answers,
        [
            Answer::Stored,
            Answer::Stored,
            Answer::NotNext,
            Answer::Stored
        ]
    );
    assert_eq!((desk.head("alpha"), desk.head("beta")), (3, 4));
    assert_eq!(desk.all("alpha").len(), 3);
    desk.stores(&[post("alpha", 4)]);
}

/// A hole in a log could never be filled again.
pub fn a_gap_is_refused_and_its_neighbours_land(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("alpha"), founded("beta")]);
    refused_in_the_middle(&mut desk, &post("alpha", 5));
}

/// Two records at one position would be two histories.
pub fn a_used_position_is_refused_and_its_neighbours_land(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("alpha"), founded("beta")]);
    let before = desk.all("alpha");
    refused_in_the_middle(&mut desk, &draft([said("alpha", 2, "not the second")]));
    assert_eq!(desk.all("alpha")[..2], before);
}

/// A stream that does not exist yet has a next position, too.
pub fn the_first_record_of_a_stream_is_the_first(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    assert_eq!(desk.append(&[post("alpha", 2)]), [Answer::NotNext]);
    assert_eq!(desk.head("alpha"), 0);
    desk.stores(&[founded("alpha")]);
}

/// One answer, several records.
pub fn a_draft_of_several_records_lands_whole(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let several = [
        joined("alpha", 3, "bob"),
        granted("alpha", 4, "bob"),
        said("alpha", 5, "hi"),
    ];
    desk.stores(&[draft(several.clone())]);
    assert_eq!(desk.all("alpha")[2..], several);
}

/// The records behind the first do not land without it.
pub fn a_draft_of_several_records_is_refused_whole(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    // Its second record would be the stream's next one.
    let late = draft([said("alpha", 2, "too late"), said("alpha", 3, "just right")]);
    assert_eq!(desk.append(&[late]), [Answer::NotNext]);
    assert_eq!(desk.head("alpha"), 2);
    assert_eq!(desk.store().message(script::message("alpha", 3)), Ok(None));
    desk.stores(&[post("alpha", 3)]);
}

/// Neither in the log nor in any look-up.
pub fn a_refused_draft_leaves_no_trace(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let wrong = [
        draft([joined("alpha", 7, "bob"), said("alpha", 8, "hello")]),
        draft([script::closed("alpha", 9)]),
        founded("alpha"),
        draft([script::left("alpha", 4, "ann")]),
    ];
    assert_eq!(desk.append(&wrong), vec![Answer::NotNext; 4]);
    for _ in 0..2 {
        assert_eq!(desk.rooms_of("bob"), [""; 0]);
        assert_eq!(desk.rooms_of("ann"), ["alpha"]);
        assert_eq!(desk.store().posts_total(), Ok(0));
        assert_eq!(desk.store().message(script::message("alpha", 8)), Ok(None));
        let row = desk
            .rooms("ann", None, 1)
            .pop()
            .expect("a room that was made is in the list");
        assert_eq!((row.members, row.closed_at), (1, None));
        desk.restart();
    }
}

/// More than the writer ever puts into one, so that its bound is its own affair.
pub fn a_thousand_records_land_in_one_batch(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("alpha"), founded("beta")]);
    let mut batch = Vec::new();
    for seq in 3..503 {
        batch.push(post("alpha", seq));
        batch.push(post("beta", seq));
    }
    desk.stores(&batch);
    desk.restart();
    for name in ["alpha", "beta"] {
        let seqs: Vec<_> = desk
            .all(name)
            .iter()
            .map(|record| record.seq.get())
            .collect();
        assert_eq!(seqs, (1..503).collect::<Vec<_>>(), "{name}");
    }
    assert_eq!(desk.store().posts_total(), Ok(1_000));
}
