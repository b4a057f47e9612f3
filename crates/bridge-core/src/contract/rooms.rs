//! The list of rooms, as one client may see it.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::script::{
    at, closed, draft, founded, founded_about, founded_as, granted, joined, left, removed, room,
    topic,
};
use crate::id::RoomId;
use crate::policy::Visibility;
use crate::ports::RoomRow;
use crate::text::PasswordHash;

/// Open and listed rooms are everybody's to see; a private one only its members' and of those
/// whom it has invited.
pub fn a_viewer_sees_what_it_may_know_of(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[
        founded_as("an-open", Visibility::Open, None),
        founded_as(
            "b-listed",
            Visibility::Listed,
            Some(PasswordHash::new("$hash")),
        ),
        founded_as("c-private", Visibility::Private, None),
        founded_as(
            "d-private",
            Visibility::Private,
            Some(PasswordHash::new("$hash")),
        ),
        draft([joined("c-private", 3, "Bob")]),
        draft([granted("d-private", 3, "Cid")]),
        draft([closed("d-private", 4)]),
    ]);
    for _ in 0..2 {
        assert_eq!(
            desk.visible_to("ann"),
            ["an-open", "b-listed", "c-private", "d-private"]
        );
        assert_eq!(desk.visible_to("BOB"), ["an-open", "b-listed", "c-private"]);
        assert_eq!(desk.visible_to("CID"), ["an-open", "b-listed", "d-private"]);
        assert_eq!(desk.visible_to("stranger"), ["an-open", "b-listed"]);
        desk.restart();
    }
}

/// Whoever leaves keeps the invitation; whoever is removed has neither.
pub fn an_invitation_can_be_taken_back(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    desk.stores(&[founded_as("alpha", Visibility::Private, None)]);
    let steps = [
        (granted("alpha", 3, "bob"), true),
        (joined("alpha", 4, "bob"), true),
        (left("alpha", 5, "bob"), true),
        (removed("alpha", 6, "bob"), false),
        (joined("alpha", 7, "bob"), true),
        (left("alpha", 8, "bob"), false),
    ];
    for (record, is_visible) in steps {
        let what = format!("{} at {}", record.event.kind(), record.seq);
        desk.stores(&[draft([record])]);
        assert_eq!(
            desk.visible_to("bob").len(),
            usize::from(is_visible),
            "after {what}"
        );
    }
}

/// Every column, and the creator's spelling.
pub fn a_row_says_what_the_room_is(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let password = Some(PasswordHash::new("$hash"));
    desk.stores(&[
        founded_as("Alpha", Visibility::Listed, password),
        draft([closed("Alpha", 3)]),
        founded("beta"),
    ]);
    let alpha = RoomRow {
        room: room("Alpha"),
        topic: topic("about Alpha"),
        visibility: Visibility::Listed,
        has_password: true,
        created_at: at(1),
        closed_at: Some(at(3)),
        members: 1,
    };
    let beta = RoomRow {
        room: room("beta"),
        topic: topic("about beta"),
        visibility: Visibility::Open,
        has_password: false,
        created_at: at(1),
        closed_at: None,
        members: 1,
    };
    for _ in 0..2 {
        assert_eq!(
            desk.rooms("stranger", None, 10),
            [alpha.clone(), beta.clone()]
        );
        assert_eq!(
            desk.visible_to("stranger"),
            ["Alpha", "beta"],
            "the creator's spelling"
        );
        desk.restart();
    }
}

/// A topic of characters that a database may not have in a text. In a list, and only there, the
/// character 0 may be shown by its symbol; the record keeps it, and its neighbours in the batch land.
pub fn a_topic_of_any_characters_is_listed(bench: &dyn Bench) {
    const ODD: &str = "zero \u{0}, bell \u{7}, \u{10ffff}, '; --\\ %";
    let mut desk = Desk::new(bench);
    let odd = founded_about("alpha", ODD);
    let record = odd.records[0].envelope.clone();
    desk.stores(&[odd, founded("beta")]);
    for _ in 0..2 {
        let listed = desk.rooms("stranger", None, 10);
        assert_eq!(listed.len(), 2);
        let shown = listed[0].topic.to_string();
        assert!(
            shown == ODD || shown == ODD.replace('\0', "\u{2400}"),
            "{shown:?}"
        );
        assert_eq!(desk.all("alpha")[0], *record);
        desk.restart();
    }
}

/// Those who are in it now; an invitation is no member.
pub fn members_are_counted(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    let steps = [
        (joined("alpha", 3, "bob"), 2),
        (joined("alpha", 4, "cid"), 3),
        (granted("alpha", 5, "dora"), 3),
        (removed("alpha", 6, "dora"), 3),
        (left("alpha", 7, "BOB"), 2),
        (removed("alpha", 8, "cid"), 1),
        (left("alpha", 9, "ann"), 0),
    ];
    for (record, members) in steps {
        let kind = record.event.kind();
        desk.stores(&[draft([record])]);
        let rows = desk.rooms("ann", None, 10);
        let counted: Vec<_> = rows.iter().map(|row| row.members).collect();
        assert_eq!(counted, [members], "after {kind}");
    }
}

/// By name without regard to case. What a viewer may not see takes no place on a page.
pub fn they_are_paged_by_name(bench: &dyn Bench) {
    let mut desk = Desk::new(bench);
    let names = ["b_x", "Ba", "b.c", "b-1", "A", "c", "bA2", "B9", "a0", "Z"];
    for name in names {
        let hidden = format!("{name}-hidden");
        desk.stores(&[
            founded(name),
            founded_as(&hidden, Visibility::Private, None),
        ]);
    }
    let mut expected: Vec<RoomId> = names.into_iter().map(room).collect();
    expected.sort();
    for page in [1, 3, 10, 100] {
        let mut listed: Vec<RoomId> = Vec::new();
        loop {
            let rows = desk.rooms("stranger", listed.last(), page);
            if rows.is_empty() {
                break;
            }
            let is_last = listed.len() + rows.len() == expected.len();
            assert!(rows.len() == page || is_last, "a full page of {page}");
            listed.extend(rows.into_iter().map(|row| row.room));
            assert!(
                listed.len() <= expected.len(),
                "pages of {page} do not end: {listed:?}"
            );
        }
        assert_eq!(listed, expected, "in pages of {page}");
    }
}
