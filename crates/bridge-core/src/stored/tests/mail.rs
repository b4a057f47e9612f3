//! The stored forms of what happens in mailboxes and on the broadcast stream.

use serde_json::json;
use uuid::Uuid;

use super::{Golden, client, message};
use crate::event::{
    About, BroadcastsRead, Event, LeaseExtended, MailboxOpened, MessageDelivered, MessageDied,
    MessageDone, MessageExpired, MessageReturned, MessageSeen, MessageStored, ReceiptKept,
    ReceiptsTold, Reopened,
};
use crate::id::{Seq, Timestamp};
use crate::message::{
    Body, Ending, Expiry, Failure, MessageKind, Priority, Recipients, Stage, Trace, Via,
};

pub(super) fn golden() -> Vec<Golden> {
    [messages(), steps(), returns(), ends(), cursors()].concat()
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn about() -> About {
    About {
        message: Seq::new(3),
        id: message(1),
        from: client("Ann"),
    }
}

fn bare(kind: MessageKind) -> MessageStored {
    MessageStored {
        id: message(1),
        to: Recipients::one(client("Bob.Dev")),
        body: Body::Text("hello 🦀\n".parse().unwrap()),
        kind,
        priority: Priority::default(),
        expires_at: time(1_700_000_600_123),
        reply_to: None,
        expects_reply: false,
        deadline: None,
        trace: Trace::begin(Uuid::from_u128(7)),
        metadata: None,
    }
}

fn full() -> MessageStored {
    MessageStored {
        to: Recipients::clients(vec![client("Bob.Dev"), client("cid")]).unwrap(),
        body: Body::Payload(json!({"task": ["a", 1, null]}).try_into().unwrap()),
        priority: Priority::try_from(3).unwrap(),
        reply_to: Some(message(2)),
        expects_reply: true,
        deadline: Some(time(1_700_000_060_123)),
        trace: Trace::begin(Uuid::from_u128(7)).next().unwrap(),
        metadata: Some(json!({"model": "m-1"}).try_into().unwrap()),
        ..bare(MessageKind::Command)
    }
}

fn messages() -> Vec<Golden> {
    let to_all = MessageStored {
        to: Recipients::All,
        body: Body::Payload(json!(null).try_into().unwrap()),
        priority: Priority::try_from(0).unwrap(),
        ..bare(MessageKind::Notice)
    };
    let stored = |message| Event::MessageStored(Box::new(message));
    vec![
        (
            stored(bare(MessageKind::Message)),
            "message_stored",
            r#"{"id":"msg_00000000000000000000000000000001","to":"Bob.Dev","body":{"text":"hello 🦀\n"},"kind":"message","priority":1,"expires_at":1700000600123,"trace":"tr_00000000000000000000000000000007.0"}"#,
        ),
        (
            stored(bare(MessageKind::Response)),
            "message_stored",
            r#"{"id":"msg_00000000000000000000000000000001","to":"Bob.Dev","body":{"text":"hello 🦀\n"},"kind":"response","priority":1,"expires_at":1700000600123,"trace":"tr_00000000000000000000000000000007.0"}"#,
        ),
        (
            stored(full()),
            "message_stored",
            r#"{"id":"msg_00000000000000000000000000000001","to":["Bob.Dev","cid"],"body":{"payload":{"task":["a",1,null]}},"kind":"command","priority":3,"expires_at":1700000600123,"reply_to":"msg_00000000000000000000000000000002","expects_reply":true,"deadline":1700000060123,"trace":"tr_00000000000000000000000000000007.1","metadata":{"model":"m-1"}}"#,
        ),
        (
            stored(to_all),
            "message_stored",
            r#"{"id":"msg_00000000000000000000000000000001","to":"all","body":{"payload":null},"kind":"notice","priority":0,"expires_at":1700000600123,"trace":"tr_00000000000000000000000000000007.0"}"#,
        ),
    ]
}

fn steps() -> Vec<Golden> {
    let delivered = |via| {
        Event::MessageDelivered(MessageDelivered {
            about: about(),
            attempt: 2,
            via,
            until: time(1_700_000_300_123),
        })
    };
    let extended = Event::LeaseExtended(LeaseExtended {
        about: about(),
        attempt: 2,
        until: time(1_700_003_900_123),
    });
    let seen = MessageSeen {
        about: about(),
        ends_at: time(1_700_000_600_123),
    };
    let mut notice = seen.clone();
    notice.about.from = crate::ClientId::system();
    vec![
        (
            delivered(Via::Session),
            "message_delivered",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"via":"session","until":1700000300123}"#,
        ),
        (
            delivered(Via::Call),
            "message_delivered",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"via":"call","until":1700000300123}"#,
        ),
        (
            extended,
            "lease_extended",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"until":1700003900123}"#,
        ),
        (
            Event::MessageSeen(notice),
            "message_seen",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"system","ends_at":1700000600123}"#,
        ),
        (
            Event::MessageSeen(seen),
            "message_seen",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","ends_at":1700000600123}"#,
        ),
    ]
}

fn failures() -> Vec<Failure> {
    let failure = |attempt, ending| Failure {
        attempt,
        at: time(1_700_000_000_123),
        ending,
        reason: None,
    };
    vec![
        failure(1, Ending::LeaseExpired),
        Failure {
            reason: Some("no \"key\"".parse().unwrap()),
            ..failure(2, Ending::Failed)
        },
    ]
}

fn returns() -> Vec<Golden> {
    let returned = |ending| MessageReturned {
        about: about(),
        attempt: 2,
        ending,
        reason: None,
        not_before: time(1_700_000_005_123),
        reopened: None,
    };
    let reopened = Reopened {
        stored_at: time(1_700_000_000_123),
        priority: Priority::default(),
        expires_at: time(1_700_000_600_123),
        expects_reply: true,
        deadline: Some(time(1_700_000_060_123)),
        attempts: 2,
        failures: failures(),
        bytes: 321,
    };
    let plain = Reopened {
        expects_reply: false,
        deadline: None,
        failures: Vec::new(),
        ..reopened.clone()
    };
    let taken_up = |reopened| MessageReturned {
        reason: Some("no".parse().unwrap()),
        reopened: Some(reopened),
        ..returned(Ending::Failed)
    };
    [
        (taken_up(reopened), r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"ending":"failed","reason":"no","not_before":1700000005123,"reopened":{"stored_at":1700000000123,"priority":1,"expires_at":1700000600123,"expects_reply":true,"deadline":1700000060123,"attempts":2,"failures":[{"attempt":1,"at":1700000000123,"ending":"lease_expired"},{"attempt":2,"at":1700000000123,"ending":"failed","reason":"no \"key\""}],"bytes":321}}"#),
        (taken_up(plain), r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"ending":"failed","reason":"no","not_before":1700000005123,"reopened":{"stored_at":1700000000123,"priority":1,"expires_at":1700000600123,"attempts":2,"bytes":321}}"#),
        (returned(Ending::LeaseExpired), r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"ending":"lease_expired","not_before":1700000005123}"#),
        (returned(Ending::ConnectionLost), r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"ending":"connection_lost","not_before":1700000005123}"#),
        (returned(Ending::NotConfirmed), r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"ending":"not_confirmed","not_before":1700000005123}"#),
        (returned(Ending::ServerRestarted), r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","attempt":2,"ending":"server_restarted","not_before":1700000005123}"#),
    ]
    .map(|(returned, form)| (Event::MessageReturned(returned), "message_returned", form))
    .to_vec()
}

fn ends() -> Vec<Golden> {
    let done = |reply| {
        Event::MessageDone(MessageDone {
            about: about(),
            reply,
        })
    };
    let expired = |why| {
        Event::MessageExpired(MessageExpired {
            about: about(),
            why,
        })
    };
    let died = |failures| {
        Event::MessageDied(MessageDied {
            about: about(),
            failures,
        })
    };
    vec![
        (
            done(Some(message(2))),
            "message_done",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","reply":"msg_00000000000000000000000000000002"}"#,
        ),
        (
            done(None),
            "message_done",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann"}"#,
        ),
        (
            expired(Expiry::Ttl),
            "message_expired",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","why":"ttl"}"#,
        ),
        (
            expired(Expiry::Seen),
            "message_expired",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","why":"seen"}"#,
        ),
        (
            expired(Expiry::NoReply),
            "message_expired",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","why":"no_reply"}"#,
        ),
        (
            died(failures()),
            "message_died",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","failures":[{"attempt":1,"at":1700000000123,"ending":"lease_expired"},{"attempt":2,"at":1700000000123,"ending":"failed","reason":"no \"key\""}]}"#,
        ),
        (
            died(Vec::new()),
            "message_died",
            r#"{"message":3,"id":"msg_00000000000000000000000000000001","from":"Ann","failures":[]}"#,
        ),
    ]
}

fn cursors() -> Vec<Golden> {
    let opened = MailboxOpened {
        client: client("Bob.Dev"),
        broadcasts_read: Seq::ZERO,
    };
    let kept = |stage, reason| {
        Event::ReceiptKept(ReceiptKept {
            id: message(1),
            stage,
            by: client("Bob.Dev"),
            reached_at: time(1_700_000_000_123),
            reason,
        })
    };
    let told = ReceiptsTold {
        through: Seq::new(12),
    };
    let read = BroadcastsRead {
        through: Seq::new(9),
    };
    let why = Some("ttl".parse().unwrap());
    vec![
        (
            Event::MailboxOpened(opened),
            "mailbox_opened",
            r#"{"client":"Bob.Dev","broadcasts_read":0}"#,
        ),
        (
            kept(Stage::Expired, why),
            "receipt_kept",
            r#"{"id":"msg_00000000000000000000000000000001","stage":"expired","by":"Bob.Dev","reached_at":1700000000123,"reason":"ttl"}"#,
        ),
        (
            kept(Stage::Stored, None),
            "receipt_kept",
            r#"{"id":"msg_00000000000000000000000000000001","stage":"stored","by":"Bob.Dev","reached_at":1700000000123}"#,
        ),
        (
            kept(Stage::Delivered, None),
            "receipt_kept",
            r#"{"id":"msg_00000000000000000000000000000001","stage":"delivered","by":"Bob.Dev","reached_at":1700000000123}"#,
        ),
        (
            kept(Stage::Seen, None),
            "receipt_kept",
            r#"{"id":"msg_00000000000000000000000000000001","stage":"seen","by":"Bob.Dev","reached_at":1700000000123}"#,
        ),
        (
            kept(Stage::Done, None),
            "receipt_kept",
            r#"{"id":"msg_00000000000000000000000000000001","stage":"done","by":"Bob.Dev","reached_at":1700000000123}"#,
        ),
        (
            kept(Stage::Dead, None),
            "receipt_kept",
            r#"{"id":"msg_00000000000000000000000000000001","stage":"dead","by":"Bob.Dev","reached_at":1700000000123}"#,
        ),
        (
            Event::ReceiptsTold(told),
            "receipts_told",
            r#"{"through":12}"#,
        ),
        (
            Event::BroadcastsRead(read),
            "broadcasts_read",
            r#"{"through":9}"#,
        ),
    ]
}
