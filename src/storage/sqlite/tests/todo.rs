//! What waits for somebody is found by indexes: it costs the same however long the log is.

use bridge_core::event::{
    About, MailboxOpened, MemberJoined, MessageDone, MessageStored, RoomCreated,
};
use bridge_core::message::{Body, MessageKind, Priority, Recipients, Trace};
use bridge_core::policy::{Policy, Role, VoteWeight};
use bridge_core::ports::{Directory, QuestionsQuery};
use bridge_core::text::Topic;

use super::decisions::{append, append_to, proposed};
use super::plans::{Asked, assert_bounded, recorded, steps};
use super::*;

fn question(n: u128) -> Event {
    Event::MessageStored(Box::new(MessageStored {
        id: MessageId::from_uuid(Uuid::from_u128(n)),
        to: Recipients::clients(vec!["ann".parse().unwrap()]).unwrap(),
        body: Body::Text("done?".parse().unwrap()),
        kind: MessageKind::Message,
        priority: Priority::default(),
        expires_at: Timestamp::from_millis(9),
        reply_to: None,
        expects_reply: true,
        deadline: None,
        trace: Trace::begin(Uuid::from_u128(1)),
        metadata: None,
    }))
}

#[test]
fn nothing_that_is_asked_for_somebody_grows_with_the_log() {
    let (place, asked) = (Place::new(), Asked::default());
    let mut log = place.open().log;
    let created = Event::RoomCreated(RoomCreated {
        topic: Topic::none(),
        policy: Policy::default(),
        password: None,
    });
    let joined = Event::MemberJoined(MemberJoined {
        client: "ann".parse().unwrap(),
        role: Role::Coder,
        weight: VoteWeight::from_milli(1_000),
        requested_role: None,
    });
    append(
        &mut log,
        "den",
        0,
        vec![created, joined, proposed(1), proposed(2)],
    );
    let opened = Event::MailboxOpened(MailboxOpened {
        client: "ann".parse().unwrap(),
        broadcasts_read: Seq::ZERO,
    });
    let done = Event::MessageDone(MessageDone {
        about: About {
            message: Seq::new(2),
            id: MessageId::from_uuid(Uuid::from_u128(1)),
            from: "ann".parse().unwrap(),
        },
        reply: None,
    });
    let mailbox = Stream::Mailbox("ann".parse().unwrap());
    let events = vec![opened, question(1), question(2), question(3), done];
    append_to(&mut log, &mailbox, 0, events);
    let store = recorded(&place, &asked);
    let ann = "ann".parse().unwrap();
    assert_eq!(store.open_decisions(&ann, 9).unwrap().len(), 2);
    for (after, expected) in [
        (None, 2),
        (Some((Timestamp::from_millis(9), Seq::new(3))), 1),
    ] {
        let query = QuestionsQuery { after, rows_max: 9 };
        assert_eq!(store.open_questions(&ann, &query).unwrap().len(), expected);
    }
    let steps = steps(&place, &asked);
    assert!(steps.len() > 6, "{steps:?}");
    assert_bounded(&steps);
    let of_questions = steps.iter().filter(|(sql, _)| sql.contains("answer_by_ms"));
    for (sql, step) in of_questions {
        assert!(step.contains("deliveries_questions"), "{step}: {sql}");
    }
    let of_members = steps
        .iter()
        .filter(|(sql, _)| sql.contains("client_folded"));
    let by: Vec<&str> = of_members.map(|(_, step)| step.as_str()).collect();
    for index in [
        "members_client (client_folded=?)",
        "decisions_state (stream_id=? AND state=?)",
    ] {
        assert!(by.iter().any(|step| step.contains(index)), "{by:?}");
    }
}
