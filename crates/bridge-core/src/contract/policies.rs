//! A room's policy changes.

use crate::contract::Bench;
use crate::contract::desk::Desk;
use crate::contract::motions::policy_changed;
use crate::contract::script::{draft, founded, granted, record};
use crate::policy::{Policy, Visibility};

fn becomes(room: &str, seq: u64, visibility: Visibility) -> crate::event::Envelope {
    let policy = Policy {
        visibility,
        ..Policy::default()
    };
    record(room, seq, "ann", policy_changed(policy))
}

/// Who may know of the room is at once who the new policy says, and no other room changes.
pub fn a_new_visibility_is_seen_in_the_list(bench: &dyn Bench) {
    let mut desk = Desk::with_room(bench, "alpha");
    desk.stores(&[founded("beta"), draft([granted("alpha", 3, "cid")])]);
    let steps = [
        (Visibility::Private, false),
        (Visibility::Listed, true),
        (Visibility::Private, false),
        (Visibility::Open, true),
    ];
    for (seq, (visibility, is_seen)) in (4..).zip(steps) {
        desk.stores(&[draft([becomes("alpha", seq, visibility)])]);
        for _ in 0..2 {
            let both = ["alpha", "beta"];
            let expected = if is_seen { &both[..] } else { &both[1..] };
            assert_eq!(desk.visible_to("stranger"), expected, "{visibility:?}");
            for client in ["ann", "cid"] {
                assert_eq!(desk.visible_to(client), both, "{client}: {visibility:?}");
            }
            let rows = desk.rooms("ann", None, 9);
            let shown: Vec<Visibility> = rows.iter().map(|row| row.visibility).collect();
            assert_eq!(shown, [visibility, Visibility::Open]);
            desk.restart();
        }
    }
}
