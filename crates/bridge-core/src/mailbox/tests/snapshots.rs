//! A mailbox that is woken from a snapshot goes on as if it had not slept.

use super::*;
use crate::mailbox::{RecentStages, SNAPSHOT_FORMAT};
use crate::owner::RecentKeys;

/// In the middle of everything.
fn busy() -> Scene {
    let mut scene = Scene::with_messages(3);
    let seqs: Vec<Seq> = scene
        .mailbox()
        .open()
        .map(|held| held.about.message)
        .collect();
    scene.send(question(4, Some(60)));
    scene.hand(&seqs[..2]);
    scene.lose(&[(seqs[0], 1)], Ending::ConnectionLost);
    scene.ack(3, AckStage::Seen).expect("it is there");
    scene
}

#[test]
fn everything_but_the_caches_survives() {
    let scene = busy();
    let woken = scene.woken();
    let expected = Mailbox {
        recent: RecentStages::beginning_at(scene.mailbox().head()),
        keys: RecentKeys::default(),
        ..scene.mailbox().clone()
    };
    assert_eq!(woken.mailbox(), &expected);
}

#[test]
fn a_mailbox_without_records_has_nothing_to_keep() {
    assert_eq!(Scene::unknown().mailbox().to_snapshot(), None);
}

#[test]
fn a_changed_form_needs_another_number() {
    let scene = busy();
    let bytes = scene.mailbox().to_snapshot().expect("something to keep");
    let text = String::from_utf8(bytes).expect("JSON");
    let wanted = include_str!("snapshot.json");
    assert_eq!(SNAPSHOT_FORMAT, 2);
    assert_eq!(text, wanted.trim_end(), "count SNAPSHOT_FORMAT up");
}
