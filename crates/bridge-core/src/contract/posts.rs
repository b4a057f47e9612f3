//! Messages, by id and by channel.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::mail;
use crate::contract::script::{
    channel, draft, founded, joined, message, post, room, said, said_in, stream,
};
use crate::event::ChannelCreated;
use crate::event::Event;
use crate::id::Seq;
use crate::ports::{PostsQuery, Window};

fn posts(
    desk: &Desk<'_>,
    of: &str,
    name: Option<&str>,
    window: Window,
    records_max: usize,
) -> Vec<u64> {
    let query = PostsQuery {
        channel: name.map(channel),
        window,
        records_max,
    };
    let found = desk.store().posts(&room(of), &query);
    let found = found.expect("a store without a fault can be read");
    for envelope in &found {
        assert!(
            matches!(envelope.event, Event::Posted(_)),
            "only posts are posts"
        );
        assert_eq!(envelope.stream, stream(of), "of this room");
    }
    found.iter().map(|envelope| envelope.seq.get()).collect()
}

/// Wherever it is, before and after a restart.
pub fn a_message_is_found_by_its_id(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[
        founded("alpha"),
        founded("Beta"),
        post("alpha", 3),
        post("Beta", 3),
    ]);
    desk.stores(&[draft([said("Beta", 4, "one"), said("Beta", 5, "two")])]);
    for _ in 0..2 {
        for (name, seq) in [("alpha", 3), ("beta", 3), ("beta", 4), ("beta", 5)] {
            let found = desk.store().message(message(name, seq));
            assert_eq!(
                found,
                Ok(Some((stream(name), Seq::new(seq)))),
                "{name} {seq}"
            );
        }
        assert_eq!(desk.store().message(message("alpha", 4)), Ok(None));
        desk.restart();
    }
}

/// Posts 3, 4, 6, 7, 9, 10, 12, 13, … are in turn in two channels, with other records between.
fn talk(desk: &mut Desk<'_>) {
    for seq in 3..=20_u64 {
        let record = match seq % 3 {
            0 => said_in("alpha", seq, "main", "in the first channel"),
            1 => said_in("alpha", seq, "Design", "in the second channel"),
            _ => joined("alpha", seq, &format!("member-{seq}")),
        };
        desk.stores(&[draft([record])]);
    }
}

/// Whatever the direction, answers are in order of seq, whole records, and at most as many.
pub fn every_window_is_in_order_of_seq(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    talk(&mut desk);
    desk.restart();
    let after = |seq| Window::After(Seq::new(seq));
    let before = |seq| Window::Before(Seq::new(seq));
    let table: [(Option<&str>, Window, usize, &[u64]); 16] = [
        (None, Window::Newest, 3, &[16, 18, 19]),
        (
            None,
            Window::Newest,
            100,
            &[3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19],
        ),
        (None, after(0), 3, &[3, 4, 6]),
        (None, after(4), 2, &[6, 7]),
        (None, after(5), 2, &[6, 7]),
        (None, after(19), 2, &[]),
        (None, after(400), 2, &[]),
        (None, before(7), 2, &[4, 6]),
        (None, before(4), 10, &[3]),
        (None, before(3), 10, &[]),
        (None, before(400), 2, &[18, 19]),
        (Some("main"), Window::Newest, 2, &[15, 18]),
        (Some("Design"), after(4), 2, &[7, 10]),
        (Some("Design"), before(16), 2, &[10, 13]),
        (Some("main"), before(3), 2, &[]),
        (Some("nowhere"), Window::Newest, 2, &[]),
    ];
    for (name, window, records_max, expected) in table {
        let found = posts(&desk, "ALPHA", name, window, records_max);
        assert_eq!(found, expected, "{name:?} {window:?} {records_max}");
    }
    let query = PostsQuery {
        channel: None,
        window: after(2),
        records_max: 1,
    };
    let whole = desk.store().posts(&room("alpha"), &query);
    assert_eq!(
        whole,
        Ok(desk.page(&stream("alpha"), 2, 1)),
        "the same as in the log"
    );
}

/// By Unicode's rules, as the channel was found when the message was posted.
pub fn a_channel_is_found_under_any_spelling(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let made = ChannelCreated {
        channel: channel("École"),
        topic: crate::text::Topic::none(),
    };
    let made = super::script::record("alpha", 3, "ann", Event::ChannelCreated(made));
    desk.stores(&[
        draft([made]),
        draft([said_in("alpha", 4, "École", "bonjour")]),
    ]);
    desk.stores(&[draft([said_in("alpha", 5, "設計", "こんにちは")])]);
    for spelling in ["École", "école", "ÉCOLE"] {
        assert_eq!(
            posts(&desk, "alpha", Some(spelling), Window::Newest, 9),
            [4],
            "{spelling}"
        );
    }
    assert_eq!(posts(&desk, "alpha", Some("設計"), Window::Newest, 9), [5]);
    assert_eq!(
        posts(&desk, "alpha", Some("ecole"), Window::Newest, 9),
        [0; 0]
    );
}

/// A channel of the same name in another room is another channel.
pub fn another_rooms_posts_are_not_shown(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[
        founded("alpha"),
        founded("beta"),
        post("alpha", 3),
        post("beta", 3),
    ]);
    desk.stores(&[post("beta", 4)]);
    assert_eq!(posts(&desk, "alpha", Some("main"), Window::Newest, 9), [3]);
    assert_eq!(
        posts(&desk, "beta", None, Window::After(Seq::ZERO), 9),
        [3, 4]
    );
    assert_eq!(posts(&desk, "gamma", None, Window::Newest, 9), [0; 0]);
}

/// A message that was sent is a message, in each mailbox that it went to, and no post.
pub fn sent_messages_are_counted_and_are_no_posts(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&mail::all_opened(["alpha", "bob"]));
    desk.stores(&[post("alpha", 3)]);
    let news = Event::MessageStored(Box::new(mail::message(2, 9_000)));
    desk.stores(&[
        draft([mail::stored("alpha", 2, mail::message(1, 9_000))]),
        draft([mail::stored("bob", 2, mail::message(1, 9_000))]),
        draft([mail::to_all(1, "ann", news)]),
    ]);
    let seen = mail::seen(mail::about(2, 1), 9_000);
    desk.stores(&[draft([mail::mail("bob", 3, "bob", seen)])]);
    // One does not land, and is not counted.
    desk.append(&[draft([mail::stored("bob", 9, mail::message(3, 9_000))])]);
    for _ in 0..2 {
        assert_eq!(desk.store().posts_total(), Ok(4));
        assert_eq!(posts(&desk, "alpha", None, Window::Newest, 9), [3]);
        for n in 1..3 {
            assert_eq!(desk.store().message(mail::id(n)), Ok(None));
        }
        desk.restart();
    }
}

/// All of them, in every room, and nothing else.
pub fn posts_are_counted(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded("alpha"), founded("beta")]);
    assert_eq!(desk.store().posts_total(), Ok(0));
    desk.stores(&[
        post("alpha", 3),
        post("beta", 3),
        draft([joined("beta", 4, "bob")]),
    ]);
    assert_eq!(desk.store().posts_total(), Ok(2));
    // One does not land, and is not counted.
    desk.append(&[post("alpha", 9), post("alpha", 4)]);
    assert_eq!(desk.store().posts_total(), Ok(3));
    desk.restart();
    assert_eq!(desk.store().posts_total(), Ok(3));
}
