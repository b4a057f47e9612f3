//! Threads: posts and the answers to them.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::script::{draft, founded, message, post, record, room, said, stream, text};
use crate::event::{Envelope, Event, Posted};
use crate::id::{MessageId, Seq};
use crate::limits;
use crate::owner::Answer;
use crate::ports::{ThreadPost, ThreadQuery};

/// A post that answers the one at `above`.
fn answer(of: &str, seq: u64, above: u64) -> Envelope {
    answer_to(of, seq, message(of, above))
}

fn answer_to(of: &str, seq: u64, above: MessageId) -> Envelope {
    let Event::Posted(posted) = said(of, seq, "yes").event else {
        unreachable!("who says something posts it");
    };
    let posted = Posted {
        reply_to: Some(above),
        ..posted
    };
    record(of, seq, "bob", Event::Posted(posted))
}

fn page(
    desk: &Desk<'_>,
    of: &str,
    id: MessageId,
    after: u64,
    records_max: usize,
) -> Option<Vec<ThreadPost>> {
    let query = ThreadQuery {
        after: Seq::new(after),
        records_max,
    };
    let found = desk.store().thread(&room(of), id, &query);
    found.expect("a store without a fault can be read")
}

/// Where the posts of a thread stand, each with its depth.
fn thread(desk: &Desk<'_>, of: &str, seq: u64) -> Vec<(u64, u32)> {
    let found = page(desk, of, message(of, seq), 0, usize::MAX);
    places(&found.expect("the case has posted it before"))
}

fn places(posts: &[ThreadPost]) -> Vec<(u64, u32)> {
    let places = posts.iter().map(|one| (one.post.seq.get(), one.depth));
    places.collect()
}

/// Whichever of its posts is asked for; from its first, through answers of answers, in order of seq;
/// and none of another thread, nor of another room.
pub fn it_is_whole_from_wherever_it_is_asked_for(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha");
    desk.stores(&[founded("beta")]);
    let log = [
        said("Alpha", 3, "first"),
        said("Alpha", 4, "another"),
        answer("Alpha", 5, 3),
        answer("Alpha", 6, 4),
        answer("Alpha", 7, 5),
        answer("Alpha", 8, 3),
        answer("Alpha", 9, 7),
        said("Alpha", 10, "alone"),
    ];
    desk.stores(&log.clone().map(|record| draft([record])));
    desk.stores(&[post("beta", 3), draft([answer("beta", 4, 3)])]);
    for _ in 0..2 {
        for seq in [3, 5, 7, 8, 9] {
            let expected = [(3, 0), (5, 1), (7, 2), (8, 1), (9, 3)];
            assert_eq!(thread(&desk, "ALPHA", seq), expected, "asked for {seq}");
        }
        for seq in [4, 6] {
            assert_eq!(thread(&desk, "alpha", seq), [(4, 0), (6, 1)]);
        }
        assert_eq!(thread(&desk, "alpha", 10), [(10, 0)]);
        assert_eq!(thread(&desk, "beta", 4), [(3, 0), (4, 1)]);
        let found = page(&desk, "alpha", message("Alpha", 9), 8, 9);
        let last = ThreadPost {
            depth: 3,
            post: log[6].clone(),
        };
        assert_eq!(found, Some(vec![last]), "the log's own record");
        desk.restart();
    }
}

/// A post of another room, or of none, and a room that is not there.
pub fn a_post_that_the_room_does_not_have_has_no_thread(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[founded("beta"), post("alpha", 3), post("beta", 3)]);
    for (of, id) in [
        ("alpha", message("beta", 3)),
        ("alpha", message("alpha", 4)),
        ("gamma", message("alpha", 3)),
    ] {
        assert_eq!(page(&desk, of, id, 0, 9), None, "{of}");
    }
    // What answers a post of another room, or one that is not there, begins a thread.
    desk.stores(&[
        draft([answer_to("alpha", 4, message("beta", 3))]),
        draft([answer_to("alpha", 5, message("alpha", 200))]),
    ]);
    assert_eq!(thread(&desk, "alpha", 4), [(4, 0)]);
    assert_eq!(thread(&desk, "alpha", 5), [(5, 0)]);
    assert_eq!(thread(&desk, "beta", 3), [(3, 0)]);
}

/// Page by page the same, behind any position.
pub fn it_is_paged_by_seq(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let mut batch = vec![draft([said("alpha", 3, "first")])];
    batch.extend((4..=20).map(|seq| draft([answer("alpha", seq, seq / 2 + 1)])));
    desk.stores(&batch);
    let whole = thread(&desk, "alpha", 20);
    assert_eq!(whole.len(), 18);
    for records_max in [1, 5, 17, 18, 100] {
        let mut found = Vec::new();
        loop {
            let after = found.last().map_or(0, |(seq, _)| *seq);
            let page = page(&desk, "alpha", message("alpha", 9), after, records_max);
            let page = places(&page.expect("the case has posted it before"));
            assert!(page.len() <= records_max);
            if page.is_empty() {
                break;
            }
            found.extend(page);
            assert!(
                found.len() <= whole.len(),
                "pages of {records_max} do not end"
            );
        }
        assert_eq!(found, whole, "{records_max} at a time");
    }
    let behind = page(&desk, "alpha", message("alpha", 3), 20, 9);
    assert_eq!(behind, Some(Vec::new()));
    let behind = page(&desk, "alpha", message("alpha", 3), u64::MAX, 9);
    assert_eq!(behind, Some(Vec::new()));
    assert_eq!(
        page(&desk, "alpha", message("alpha", 3), 0, 0),
        Some(Vec::new())
    );
}

/// The first ones of a long thread; so many answers upon answers, up and down, of a deep one.
pub fn it_is_bounded(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "wide");
    let many = limits::THREAD_POSTS_MAX as u64 + 7;
    let mut batch = vec![draft([said("wide", 3, "first")])];
    batch.extend((4..=many).map(|seq| draft([answer("wide", seq, 3)])));
    // The last ones answer an early answer, and come too late all the same.
    batch.extend((many + 1..=many + 3).map(|seq| draft([answer("wide", seq, 4)])));
    desk.stores(&batch);
    let found = thread(&desk, "wide", many + 3);
    assert_eq!(found.len(), limits::THREAD_POSTS_MAX);
    assert_eq!(
        found.last(),
        Some(&(limits::THREAD_POSTS_MAX as u64 + 2, 1))
    );

    desk.stores(&[founded("deep"), post("deep", 3)]);
    let steps = limits::THREAD_DEPTH_MAX as u64;
    let chain = (4..steps + 9).map(|seq| draft([answer("deep", seq, seq - 1)]));
    desk.stores(&chain.collect::<Vec<_>>());
    let found = thread(&desk, "deep", 3);
    let expected: Vec<(u64, u32)> = (3..=steps + 3).zip(0..).collect();
    assert_eq!(found, expected);
    let found = thread(&desk, "deep", steps + 5);
    assert_eq!(found.first(), Some(&(5, 0)), "so far up and no further");
}

/// Neither in its own room nor in another.
pub fn a_refused_draft_leaves_no_answer(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[post("alpha", 3)]);
    let answers = desk.append(&[
        draft([answer("alpha", 9, 3)]),
        draft([answer("alpha", 4, 3)]),
        draft([answer("alpha", 4, 3)]),
    ]);
    let landed = answers.iter().filter(|answer| **answer == Answer::Stored);
    assert_eq!(landed.count(), 1, "{answers:?}");
    for _ in 0..2 {
        assert_eq!(thread(&desk, "alpha", 3), [(3, 0), (4, 1)]);
        desk.restart();
    }
}

/// In about as many bytes as a page has, and never in none.
pub fn a_page_of_a_thread_is_bounded_in_bytes(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let long = "x".repeat(limits::TEXT_CHARS_MAX);
    let many = (limits::PAGE_BYTES_MAX / long.len() + 3) as u64;
    desk.stores(&[draft([said("alpha", 3, &long)])]);
    for seq in 4..=many + 3 {
        let mut answer = answer("alpha", seq, 3);
        if let Event::Posted(posted) = &mut answer.event {
            posted.text = text(&long);
        }
        desk.stores(&[draft([answer])]);
    }
    let id = message("alpha", 3);
    let first = page(&desk, "alpha", id, 0, usize::MAX).expect("the case has posted it before");
    assert!(
        !first.is_empty() && (first.len() as u64) < many,
        "{}",
        first.len()
    );
    assert_eq!(first[0].post.stream, stream("alpha"));
}
