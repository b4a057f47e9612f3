//! What is kept for a client that is away.

use super::*;
use crate::event::ReceiptKept;
use crate::limits;
use crate::mailbox::KeepReceipt;

fn keep(n: u128) -> MailboxCommand {
    MailboxCommand::KeepReceipt(KeepReceipt {
        receipt: ReceiptKept {
            id: message(n),
            stage: Stage::Done,
            by: client("ann"),
            reached_at: Timestamp::from_millis(5),
            reason: None,
        },
    })
}

#[test]
fn receipts_are_kept_until_they_are_told() {
    let mut scene = Scene::known();
    scene.system(&keep(1));
    scene.system(&keep(2));
    let through = *scene.mailbox().receipts().keys().next().expect("two");
    let told = MailboxCommand::ReceiptsTold { through };
    assert_eq!(kinds(&scene.system(&told)), ["receipts_told"]);
    assert_eq!(scene.system(&told), [], "once");
    let left: Vec<_> = scene.mailbox().receipts().values().map(|r| r.id).collect();
    assert_eq!(left, [message(2)]);
    assert_eq!(
        scene.restarted().mailbox().receipts(),
        scene.mailbox().receipts()
    );
}

#[test]
fn there_are_not_more_of_them_than_a_mailbox_keeps() {
    let mut scene = Scene::known();
    let max = limits::RECEIPTS_KEPT_MAX as u128;
    for n in 0..=max {
        scene.system(&keep(n));
    }
    let receipts = scene.mailbox().receipts();
    assert_eq!(receipts.len(), limits::RECEIPTS_KEPT_MAX);
    assert_eq!(receipts.values().next().map(|r| r.id), Some(message(1)));
}

#[test]
fn a_cursor_on_the_broadcast_stream_moves_forward_only() {
    let mut scene = Scene::known();
    let read = |through| MailboxCommand::BroadcastsRead {
        through: Seq::new(through),
    };
    assert_eq!(kinds(&scene.system(&read(3))), ["broadcasts_read"]);
    assert_eq!(scene.system(&read(2)), []);
    assert_eq!(scene.mailbox().broadcasts_read(), Seq::new(3));
    assert_eq!(scene.refused("bob", &read(9)), RejectCode::Forbidden);
}
