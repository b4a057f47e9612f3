//! A thread is read by indexes: it costs the same however long its room is.

use bridge_core::ports::{Directory, ThreadQuery};

use super::decisions::append;
use super::plans::{Asked, assert_bounded, recorded, steps};
use super::*;

fn posted(n: u128, above: Option<u128>) -> Event {
    let id = |n| MessageId::from_uuid(Uuid::from_u128(n));
    Event::Posted(Posted {
        id: id(n),
        channel: ChannelName::main(),
        text: "yes".parse().unwrap(),
        reply_to: above.map(id),
        mentions: Vec::new(),
        metadata: None,
    })
}

#[test]
fn nothing_that_is_asked_of_a_thread_grows_with_the_log() {
    let (place, asked) = (Place::new(), Asked::default());
    let mut log = place.open().log;
    let posts = vec![
        posted(1, None),
        posted(2, Some(1)),
        posted(3, Some(2)),
        posted(4, None),
    ];
    append(&mut log, "den", 0, posts);
    let store = recorded(&place, &asked);
    let query = ThreadQuery {
        after: Seq::ZERO,
        records_max: 9,
    };
    let id = MessageId::from_uuid(Uuid::from_u128(3));
    let found = store.thread(&"den".parse().unwrap(), id, &query).unwrap();
    assert_eq!(found.unwrap().len(), 3);
    let mut steps = steps(&place, &asked);
    // What is gone through are the steps up themselves, which are bounded.
    steps.retain(|(_, step)| step != "SCAN up");
    assert!(steps.len() > 9, "{steps:?}");
    assert_bounded(&steps);
}
