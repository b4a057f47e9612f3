//! What happens to a message in a mailbox, step by step and in one go.

use crate::contract::Bench;
use crate::contract::deliveries::{assert_due, due_seqs, known, with_mailboxes};
use crate::contract::mail::{
    about, back, delivered, done, extended, mail, message, reopened, returned, seen, stored,
};
use crate::contract::script::draft;
use crate::event::{About, Envelope, Event, MessageReturned};
use crate::message::{Ending, Stage};

/// What a message is after one more record, and when it is due.
type Step = (Event, Stage, u32, usize, Option<i64>);

/// A long life of a message that expires at 100 000.
fn a_life(of: &About) -> Vec<Step> {
    let it = || of.clone();
    let taken_up = MessageReturned {
        reopened: Some(reopened()),
        ..back(it(), 4, Ending::Failed)
    };
    let ends = Some(100_000);
    use Stage::{Delivered, Done, Seen};
    vec![
        (delivered(it(), 1, 5_000), Delivered, 1, 0, Some(5_000)),
        (
            returned(it(), 1, Ending::LeaseExpired),
            Delivered,
            1,
            1,
            ends,
        ),
        (delivered(it(), 2, 200_000), Delivered, 2, 1, ends),
        (
            returned(it(), 2, Ending::ServerRestarted),
            Delivered,
            2,
            1,
            ends,
        ),
        (delivered(it(), 3, 9_000), Delivered, 3, 1, Some(9_000)),
        (extended(it(), 3, 99_000), Delivered, 3, 1, Some(99_000)),
        (extended(it(), 3, 100_001), Delivered, 3, 1, ends),
        (
            returned(it(), 3, Ending::ConnectionLost),
            Delivered,
            3,
            2,
            ends,
        ),
        (delivered(it(), 4, 9_500), Delivered, 4, 2, Some(9_500)),
        (seen(it(), 90_000), Seen, 4, 2, Some(90_000)),
        (Event::MessageReturned(taken_up), Delivered, 4, 3, ends),
        (delivered(it(), 5, 9_900), Delivered, 5, 3, Some(9_900)),
        (seen(it(), 100_000), Seen, 5, 3, ends),
        (done(it()), Done, 5, 3, None),
    ]
}

/// Each record about a message changes it, and no other: neither its neighbour in the mailbox nor
/// the same message in another one.
pub fn every_step_moves_its_message(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    desk.stores(&[
        draft([stored("Bob", 2, message(1, 100_000))]),
        draft([stored("Bob", 3, message(2, 70_000))]),
        draft([stored("cid", 2, message(1, 100_000))]),
    ]);
    for (seq, (event, stage, attempts, failures, due)) in (4..).zip(a_life(&about(2, 1))) {
        let what = format!("{} at {seq}", event.kind());
        desk.stores(&[draft([mail("Bob", seq, "bob", event)])]);
        let found = known(&desk, "Bob", 1);
        let (count, is) = (found.failures.len(), found.stage);
        assert_eq!(
            (is, found.attempts, count),
            (stage, attempts, failures),
            "{what}"
        );
        assert_due(&desk, "Bob", 2, due, &what);
        for (of, n, seq, due) in [("Bob", 2, 3, 70_000), ("cid", 1, 2, 100_000)] {
            let other = known(&desk, of, n);
            let is_still = (other.stage, other.attempts, other.failures.len());
            assert_eq!(is_still, (Stage::Stored, 0, 0), "{what}: {n} of {of}");
            assert_due(&desk, of, seq, Some(due), &what);
        }
        desk.restart();
    }
}

/// The batch that stores a message may carry it to its end, in one draft or in several.
pub fn steps_may_come_in_the_batch_of_their_message(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    let steps = |of: &'static str, seq: u64| -> Vec<Envelope> {
        let events = [delivered(about(2, 1), 1, 5_000), seen(about(2, 1), 100_000)];
        let steps = (seq..).zip(events);
        steps.map(|(seq, event)| mail(of, seq, of, event)).collect()
    };
    let mut batch = vec![draft([stored("Bob", 2, message(1, 100_000))])];
    batch.extend(steps("Bob", 3).into_iter().map(|step| draft([step])));
    let whole = [vec![stored("cid", 2, message(1, 100_000))], steps("cid", 3)].concat();
    batch.push(draft(whole));
    desk.stores(&batch);
    for of in ["Bob", "cid"] {
        let found = known(&desk, of, 1);
        assert_eq!((found.stage, found.attempts), (Stage::Seen, 1), "{of}");
        assert_eq!(due_seqs(&desk, of, 99_999), [0; 0], "{of}");
        assert_eq!(due_seqs(&desk, of, 100_000), [2], "{of}");
    }
}

/// However many of its steps come in one batch: it is the same life, wherever it is cut in two.
pub fn a_life_may_come_in_any_batches(bench: &dyn Bench) {
    let mut desk = with_mailboxes(bench);
    let steps = a_life(&about(2, 1)).len();
    let mut seq = 1;
    for (n, cut) in (1..).zip(1..steps) {
        seq += 1;
        let place = seq;
        desk.stores(&[draft([stored("Bob", place, message(n, 100_000))])]);
        let life = a_life(&about(place, n));
        for part in [&life[..cut], &life[cut..]] {
            let mut batch = Vec::new();
            for (event, ..) in part {
                seq += 1;
                batch.push(draft([mail("Bob", seq, "bob", event.clone())]));
            }
            desk.stores(&batch);
            let (_, stage, attempts, failures, due) =
                part.last().expect("a cut leaves something on both sides");
            let found = known(&desk, "Bob", n);
            let is = (found.stage, found.attempts, found.failures.len());
            assert_eq!(is, (*stage, *attempts, *failures), "cut at {cut}");
            assert_due(&desk, "Bob", place, *due, &format!("cut at {cut}"));
        }
        let failures = known(&desk, "Bob", n).failures;
        let attempts: Vec<u32> = failures.iter().map(|failure| failure.attempt).collect();
        assert_eq!(attempts, [1, 3, 4], "cut at {cut}");
    }
}
