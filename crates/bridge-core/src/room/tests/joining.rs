use super::*;
use crate::event::MemberJoined;
use crate::policy::{RoleRule, VoteWeight};

#[test]
fn an_open_room_is_open() {
    let mut scene = Scene::open();
    let events = scene.done("bob", join());
    let joined = MemberJoined {
        client: client("bob"),
        role: Role::Participant,
        weight: VoteWeight::from_milli(1_000),
        requested_role: None,
    };
    assert_eq!(events, [Event::MemberJoined(joined)]);
    assert!(scene.room().is_member(&client("BOB")));
    assert_eq!(
        scene.room().members()[&client("bob")].joined_at,
        scene.log[2].at
    );
}

#[test]
fn nobody_joins_twice() {
    let mut scene = Scene::open_with(&["bob"]);
    assert_eq!(scene.refused("bob", join()), RejectCode::AlreadyAMember);
    assert_eq!(scene.refused("BOB", join()), RejectCode::AlreadyAMember);
    assert_eq!(scene.refused("ann", join()), RejectCode::AlreadyAMember);
    scene.done("bob", leave());
    scene.done("bob", join());
}

#[test]
fn a_listed_room_needs_its_password_or_a_grant() {
    let table = [
        (PasswordProof::None, Some(RejectCode::WrongPassword)),
        (PasswordProof::Wrong, Some(RejectCode::WrongPassword)),
        // The proof was made against a hash that is not the room's any more, or never was.
        (knows("another"), Some(RejectCode::WrongPassword)),
        (knows("secret"), None),
    ];
    for (proof, refusal) in table {
        let mut scene = Scene::listed();
        match refusal {
            Some(code) => assert_eq!(scene.refused("bob", join_with(proof.clone())), code),
            None => assert_eq!(
                kinds(&scene.done("bob", join_with(proof))),
                ["member_joined"]
            ),
        }
    }
    let mut scene = Scene::listed();
    scene.done("ann", grant("bob", Role::Participant));
    scene.done("bob", join());
    assert_eq!(scene.refused("cid", join()), RejectCode::WrongPassword);
}

#[test]
fn a_listed_room_without_a_password_is_joined_by_invitation() {
    let policy = Policy {
        visibility: Visibility::Listed,
        ..Policy::default()
    };
    let mut scene = Scene::of(policy, None);
    for proof in [PasswordProof::None, PasswordProof::Wrong, knows("secret")] {
        assert_eq!(
            scene.refused("bob", join_with(proof)),
            RejectCode::Forbidden
        );
    }
    scene.done("ann", grant("bob", Role::Coder));
    scene.done("bob", join());
}

#[test]
fn a_private_room_is_unknown_to_strangers_and_no_password_opens_it() {
    let policy = Policy {
        visibility: Visibility::Private,
        ..Policy::default()
    };
    let mut scene = Scene::of(policy, Some("secret"));
    for proof in [PasswordProof::None, PasswordProof::Wrong, knows("secret")] {
        assert_eq!(
            scene.refused("bob", join_with(proof)),
            RejectCode::RoomNotFound
        );
    }
    // An administrator sees it, and still is not let in without a grant.
    assert_eq!(scene.refused("root", join()), RejectCode::RoomNotFound);
    scene.done("ann", grant("Bob", Role::Coder));
    scene.done("bob", join());
    assert_eq!(scene.role("bob"), Some(Role::Coder));
}

#[test]
fn a_grant_survives_leaving_and_not_removal() {
    let mut scene = Scene::private();
    scene.done("ann", grant("bob", Role::Tester));
    scene.done("bob", join());
    scene.done("bob", leave());
    scene.done("bob", join());
    scene.done("ann", remove("bob"));
    assert_eq!(scene.refused("bob", join()), RejectCode::RoomNotFound);
}

#[test]
fn roles_on_entry() {
    use Role::{Coder, Coordinator, Participant, Reviewer};
    let granted = RoleRule::Granted;
    let open = RoleRule::Open;
    // the rule, a grant before, the wish, the role, what is left of the wish
    let table = [
        (granted, None, None, Participant, None),
        (granted, None, Some(Participant), Participant, None),
        (granted, None, Some(Coder), Coder, None),
        (granted, None, Some(Reviewer), Participant, Some(Reviewer)),
        (
            granted,
            None,
            Some(Coordinator),
            Participant,
            Some(Coordinator),
        ),
        (granted, Some(Reviewer), None, Reviewer, None),
        (granted, Some(Reviewer), Some(Reviewer), Reviewer, None),
        (granted, Some(Reviewer), Some(Coder), Coder, None),
        (
            granted,
            Some(Reviewer),
            Some(Coordinator),
            Reviewer,
            Some(Coordinator),
        ),
        (
            granted,
            Some(Coordinator),
            Some(Coordinator),
            Coordinator,
            None,
        ),
        (
            granted,
            Some(Coordinator),
            Some(Reviewer),
            Coordinator,
            Some(Reviewer),
        ),
        (open, None, None, Participant, None),
        (open, None, Some(Reviewer), Reviewer, None),
        (open, None, Some(Coordinator), Coordinator, None),
        (open, Some(Coder), Some(Coordinator), Coordinator, None),
    ];
    for (roles, grant_before, wish, role, left_over) in table {
        let case = format!("{roles:?}, granted {grant_before:?}, wished {wish:?}");
        let mut scene = Scene::of(
            Policy {
                roles,
                ..Policy::default()
            },
            None,
        );
        if let Some(role) = grant_before {
            scene.done("ann", grant("bob", role));
        }
        let wish = RoomCommand::Join(Join {
            role: wish,
            proof: PasswordProof::None,
        });
        scene.done("bob", wish);
        assert_eq!(
            (scene.role("bob"), scene.requested("bob")),
            (Some(role), left_over),
            "{case}"
        );
        let weight = scene.room().members()[&client("bob")].weight;
        assert_eq!(weight, scene.room().policy().weights.of(role), "{case}");
    }
}

#[test]
fn a_wish_ends_when_a_role_is_granted() {
    let mut scene = Scene::open();
    scene.done("bob", join_as(Role::Reviewer));
    scene.done("ann", grant("bob", Role::Reviewer));
    assert_eq!(
        (scene.role("bob"), scene.requested("bob")),
        (Some(Role::Reviewer), None)
    );
    assert_eq!(
        scene.room().members()[&client("bob")].weight,
        VoteWeight::from_milli(1_500)
    );
}
