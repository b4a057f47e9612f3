//! A member who plays foul.

use super::*;

#[test]
fn every_trick_has_its_answer() {
    let mut scene = team_with_reviewer(&["bob", "cid", "mal"]);
    scene.done("ann", propose(1, VoteType::Weighted));

    // Twice: the last ballot counts, and once.
    scene.done("mal", approve(1));
    scene.done("MAL", approve(1));
    assert_eq!(scene.motion(1).tally().approve_milli, 1_000);

    // A role of its own choice gives neither weight nor veto.
    scene.done("mal", leave());
    scene.done("mal", join_as(Role::Reviewer));
    assert_eq!(scene.role("mal"), Some(Role::Participant));
    let veto = vote(1, Choice::Veto);
    assert_eq!(scene.refused("mal", veto.clone()), RejectCode::NoVetoPower);
    assert_eq!(
        scene.refused("mal", grant("mal", Role::Reviewer)),
        RejectCode::RoleNotAllowed
    );

    // Texts that do not stand.
    for version in [0, 2, u32::MAX] {
        let command = vote_on(1, version, Choice::Approve);
        assert_eq!(scene.refused("mal", command), RejectCode::StaleVersion);
    }

    // What is not its own.
    scene.done("bob", block(7, 1));
    assert_eq!(scene.refused("mal", resolve(7)), RejectCode::Forbidden);
    assert_eq!(scene.refused("mal", withdraw(1)), RejectCode::Forbidden);
    assert_eq!(scene.refused("mal", remove("bob")), RejectCode::Forbidden);

    // After leaving, and from outside.
    scene.done("mal", leave());
    for command in [
        approve(1),
        veto,
        propose(9, VoteType::Consensus),
        block(9, 1),
    ] {
        assert_eq!(scene.refused("mal", command), RejectCode::NotAMember);
    }
    scene.is_its_log();
}

#[test]
fn an_id_that_is_none_of_the_rooms_is_not_found() {
    let mut scene = team(&["mal"]);
    let commands = [
        approve(9),
        amend(9, 1, "x"),
        adopt(9, 1, Consent::Approve),
        block(1, 9),
        argue(9, Side::For),
        withdraw(9),
    ];
    for command in commands {
        let code = scene.refused("mal", command);
        assert_eq!(code, RejectCode::DecisionNotFound);
    }
    assert_eq!(
        scene.refused("mal", resolve(9)),
        RejectCode::CritiqueNotFound
    );
    assert_eq!(scene.refused("mal", waive(9)), RejectCode::CritiqueNotFound);
}

#[test]
fn what_is_decided_never_changes() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    scene.done("cid", amend(1, 1, "another"));
    scene.done("ann", approve(1));
    scene.done("bob", approve(1));
    let commands = [
        reject(1),
        vote(1, Choice::Veto),
        vote_on(1, 2, Choice::Reject),
        amend(1, 1, "x"),
        adopt(1, 1, Consent::Approve),
        block(1, 1),
        argue(1, Side::Against),
        withdraw(1),
    ];
    for command in commands {
        for who in ["ann", "cid"] {
            let code = scene.refused(who, command.clone());
            assert_eq!(code, RejectCode::DecisionClosed, "{command:?}");
        }
    }
    assert_eq!(scene.state(1), Some(State::Approved));
}
