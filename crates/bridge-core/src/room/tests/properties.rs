//! Whatever clients do, in whatever order.

use proptest::prelude::*;

use super::*;
use crate::owner::RecentKeys;
use crate::room::{Life, RecentPosts};

const NAMES: [&str; 6] = ["ann", "BOB", "bob", "cid", "dora", "root"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&NAMES[..])
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(&Role::ALL[..])
}

fn policy() -> impl Strategy<Value = Policy> {
    let visibility = prop_oneof![
        3 => Just(Visibility::Open),
        1 => Just(Visibility::Listed),
        1 => Just(Visibility::Private),
    ];
    visibility.prop_map(|visibility| Policy {
        visibility,
        ..Policy::default()
    })
}

fn proof() -> impl Strategy<Value = PasswordProof> {
    prop_oneof![
        Just(PasswordProof::None),
        Just(PasswordProof::Wrong),
        Just(knows("secret"))
    ]
}

fn command() -> impl Strategy<Value = RoomCommand> {
    let password = prop::option::of(Just("secret"));
    prop_oneof![
        1 => (policy(), password).prop_map(|(policy, password)| create(policy, password)),
        8 => (prop::option::of(role()), proof())
            .prop_map(|(role, proof)| RoomCommand::Join(Join { role, proof })),
        4 => Just(leave()),
        4 => (name(), role()).prop_map(|(to, role)| grant(to, role)),
        2 => name().prop_map(remove),
        2 => prop::sample::select(&["Design", "design", "MAIN", "b"][..]).prop_map(make_channel),
        6 => (0_u128..9, 0_u128..9).prop_map(|(id, to)| {
            let reply_to = (to < 3).then(|| message(to));
            RoomCommand::Post(Post { reply_to, ..a_post("@ann @bob hello", id) })
        }),
        1 => prop::bool::weighted(0.2).prop_map(|really| if really { close() } else { leave() }),
    ]
}

fn has_a_coordinator(room: &Room) -> bool {
    room.members()
        .values()
        .any(|member| member.role == Role::Coordinator)
}

/// Whether nobody was in the room at some time after it was made.
fn was_empty_once(log: &[Envelope]) -> bool {
    (2..=log.len()).any(|at| replayed(&log[..at]).members().is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_room_is_its_log_and_always_has_somebody_who_leads(
        commands in prop::collection::vec((name(), command()), 1..60),
    ) {
        let mut scene = Scene::vacant();
        let first = create(Policy::default(), None);
        for (who, command) in [("ann", first)].into_iter().chain(commands) {
            let before = scene.room().clone();
            let decided = scene.room().decide(&command, &principal(who), Timestamp::from_millis(scene.now + 1));
            prop_assert_eq!(scene.room(), &before, "deciding changes nothing");
            let done = scene.try_by(&principal(who), &command);
            prop_assert_eq!(&done, &decided, "the ledger decides as the room does");
            if done.is_err() {
                prop_assert_eq!(scene.room(), &before, "a refusal changes nothing");
            }
        }
        prop_assert_eq!(scene.room(), &replayed(&scene.log));
        let room = scene.room();
        if room.life() != Life::Vacant && !was_empty_once(&scene.log) {
            prop_assert!(has_a_coordinator(room), "{:?}", room.members());
        }
    }

    /// Several appends in flight, confirmed one by one or rolled back at any point.
    #[test]
    fn what_is_pending_never_shows_and_can_be_forgotten(
        steps in prop::collection::vec((name(), command(), 0_u8..8), 1..60),
    ) {
        let mut ledger = Ledger::new(Room::vacant(room("alpha")));
        let mut log: Vec<Envelope> = Vec::new();
        for (who, command, fate) in steps {
            let before = ledger.committed().clone();
            let decided = ledger.submit(&command, &principal(who), None, Timestamp::default());
            prop_assert_eq!(ledger.committed(), &before, "only what is durable may be shown");
            if decided.is_err() {
                continue;
            }
            match fate {
                0 => ledger.roll_back(),
                1..5 => {
                    while ledger.pending() > 0 {
                        log.extend(ledger.confirm().envelopes.iter().map(|e| (**e).clone()));
                    }
                }
                _ => {}
            }
            let is_settled = ledger.pending() == 0;
            prop_assert!(!is_settled || ledger == Ledger::new(ledger.committed().clone()));
        }
        prop_assert_eq!(ledger.committed(), &replayed(&log));
        for (n, envelope) in log.iter().enumerate() {
            prop_assert_eq!(envelope.seq, Seq::new(n as u64 + 1), "dense from 1");
        }
        let room = ledger.committed();
        if room.life() != Life::Vacant {
            let restored = Room::from_snapshot(&room.to_snapshot().unwrap()).unwrap();
            prop_assert_eq!(restored, Room { keys: RecentKeys::default(),
        recent_posts: RecentPosts::default(), ..room.clone() });
        }
    }
}
