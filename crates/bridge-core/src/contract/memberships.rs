//! Which rooms a client is in.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::script::{
    client, closed, draft, founded, granted, joined, left, post, removed, room,
};
use crate::id::RoomId;

/// Joining makes a member; leaving and being removed end it; a role alone is no membership.
pub fn they_follow_the_log(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let steps = [
        (granted("alpha", 3, "bob"), false),
        (joined("alpha", 4, "bob"), true),
        (granted("alpha", 5, "bob"), true),
        (left("alpha", 6, "bob"), false),
        (joined("alpha", 7, "bob"), true),
        (removed("alpha", 8, "bob"), false),
        (joined("alpha", 9, "bob"), true),
    ];
    for (record, is_member) in steps {
        let kind = record.event.kind();
        desk.stores(&[draft([record])]);
        let expected: &[&str] = if is_member { &["alpha"] } else { &[] };
        assert_eq!(desk.rooms_of("bob"), expected, "after {kind}");
        assert_eq!(desk.rooms_of("ann"), ["alpha"], "after bob's {kind}");
    }
    desk.restart();
    assert_eq!(desk.rooms_of("bob"), ["alpha"]);
    assert_eq!(desk.rooms_of("nobody"), [""; 0]);
}

/// By name without regard to case, so that every page begins where the one before it ended.
pub fn they_are_paged_by_name(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let names = ["b_x", "Ba", "b.c", "b-1", "A", "c", "bA2", "B9", "a0", "Z"];
    for name in names {
        desk.stores(&[founded(name)]);
    }
    let mut expected: Vec<RoomId> = names.into_iter().map(room).collect();
    expected.sort();
    for page in [1, 3, 10, 100] {
        let mut listed: Vec<RoomId> = Vec::new();
        loop {
            let rows = desk
                .store()
                .memberships(&client("ann"), listed.last(), page);
            let rows = rows.expect("a store without a fault can be read");
            assert!(rows.len() <= page, "at most {page} rows");
            if rows.is_empty() {
                break;
            }
            listed.extend(rows.into_iter().map(|row| row.room));
            assert!(
                listed.len() <= expected.len(),
                "pages of {page} do not end: {listed:?}"
            );
        }
        assert_eq!(listed, expected, "in pages of {page}");
    }
    let rows = desk
        .store()
        .memberships(&client("ann"), Some(&room("BB")), 2);
    let rows = rows.expect("a store without a fault can be read");
    let rooms: Vec<_> = rows.iter().map(|row| row.room.as_str()).collect();
    assert_eq!(rooms, ["c", "Z"], "behind a name that is no room");
}

/// The head is the log's, whoever wrote it.
pub fn they_know_their_heads(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[
        founded("alpha"),
        founded("beta"),
        post("alpha", 3),
        post("alpha", 4),
    ]);
    let heads = |desk: &Desk<'_>| -> Vec<u64> {
        desk.memberships("ann")
            .iter()
            .map(|row| row.head.get())
            .collect()
    };
    assert_eq!(heads(&desk), [4, 2]);
    desk.stores(&[draft([joined("beta", 3, "bob")]), post("beta", 4)]);
    assert_eq!(heads(&desk), [4, 4]);
    desk.restart();
    assert_eq!(heads(&desk), [4, 4]);
}

/// `Ann` who joins and `ANN` who leaves are one.
pub fn a_client_is_found_under_any_spelling(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "Alpha");
    desk.stores(&[draft([joined("Alpha", 3, "Bob")])]);
    for spelling in ["Bob", "bob", "BOB"] {
        assert_eq!(desk.rooms_of(spelling), ["Alpha"], "{spelling}");
    }
    desk.stores(&[draft([left("Alpha", 4, "BOB")])]);
    assert_eq!(desk.rooms_of("Bob"), [""; 0]);
}

/// Members of a closed room may read it until they leave.
pub fn a_closed_room_keeps_its_members(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[
        draft([joined("alpha", 3, "bob")]),
        draft([closed("alpha", 4)]),
    ]);
    assert_eq!(desk.rooms_of("bob"), ["alpha"]);
    desk.stores(&[draft([left("alpha", 5, "bob")])]);
    assert_eq!(
        (desk.rooms_of("bob").len(), desk.rooms_of("ann").len()),
        (0, 1)
    );
}
