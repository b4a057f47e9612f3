//! How much there may be of everything.

use super::*;

fn full(scene: &mut Scene, who: &str, command: RoomCommand) {
    assert_eq!(scene.refused(who, command), RejectCode::RoomFull);
}

fn clients(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("c{n}")).collect()
}

fn team_of(n: usize) -> Scene {
    let mut scene = Scene::open();
    for client in clients(n) {
        scene.done(&client, join());
    }
    scene
}

#[test]
fn open_motions_of_one_and_of_all() {
    let proposers = limits::OPEN_DECISIONS_MAX / limits::OPEN_DECISIONS_OF_ONE_MAX;
    let mut scene = team_of(proposers);
    let mut n = 0;
    for client in clients(proposers) {
        for _ in 0..limits::OPEN_DECISIONS_OF_ONE_MAX {
            scene.done(&client, propose(n, VoteType::Consensus));
            n += 1;
        }
    }
    full(&mut scene, "ann", propose(999, VoteType::Consensus));
    scene.done("c0", withdraw(0));
    full(&mut scene, "c1", propose(999, VoteType::Consensus));
    scene.done("ann", propose(999, VoteType::Consensus));
}

#[test]
fn voters_of_open_motions() {
    let members = 1_999;
    let mut scene = team_of(members);
    for n in 0..limits::OPEN_VOTERS_MAX / (members + 1) {
        scene.done(&format!("c{n}"), propose(n as u128, VoteType::Consensus));
    }
    full(&mut scene, "ann", propose(999, VoteType::Consensus));
    let events = scene.done("ann", close());
    let bytes: usize = events
        .iter()
        .map(|event| crate::stored::encode(event).len())
        .sum();
    assert!(bytes < limits::OUTBOX_BYTES_MAX / 2, "{bytes}");
}

#[test]
fn what_was_long_ago_is_forgotten_and_nothing_is_in_the_way() {
    let mut scene = Scene::open();
    for n in 0..=limits::CLOSED_DECISIONS_REMEMBERED {
        scene.done("ann", propose(n as u128, VoteType::Consensus));
        scene.done("ann", withdraw(n as u128));
    }
    assert_eq!(scene.state(0), None, "the log knows it");
    assert_eq!(scene.state(1), Some(State::Withdrawn));
}

#[test]
fn amendments() {
    let authors = limits::OPEN_AMENDMENTS_MAX / limits::OPEN_AMENDMENTS_OF_ONE_MAX;
    let mut scene = team_of(authors);
    scene.done("ann", propose(1, VoteType::Consensus));
    for client in clients(authors) {
        for n in 0..limits::OPEN_AMENDMENTS_OF_ONE_MAX {
            scene.done(&client, amend(1, 1, &format!("text {n} of {client}")));
        }
        full(&mut scene, &client, amend(1, 1, "one more"));
    }
    full(&mut scene, "ann", amend(1, 1, "one more"));
    scene.done("ann", adopt(1, 1, Consent::Approve));
    scene.done("c0", amend(1, 2, "one more"));
}

#[test]
fn critiques_of_messages() {
    let authors = limits::OPEN_CRITIQUES_MAX / limits::OPEN_CRITIQUES_OF_ONE_MAX;
    let mut scene = team_of(authors);
    scene.done("ann", RoomCommand::Post(a_post("a plan", 3)));
    scene.done("ann", propose(1, VoteType::Consensus));
    let advice = |id| critique(id, Target::Message(message(3)), Severity::Minor);
    let mut id = 0;
    for client in clients(authors) {
        for _ in 0..limits::OPEN_CRITIQUES_OF_ONE_MAX {
            scene.done(&client, advice(id));
            id += 1;
        }
        full(&mut scene, &client, advice(99_999));
    }
    full(&mut scene, "ann", advice(99_999));
    scene.done("c0", resolve(0));
    scene.done("ann", advice(99_999));
    scene.done("c1", block(99_998, 1));
}

#[test]
fn critiques_of_a_motion() {
    let mut scene = team(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::Consensus));
    for n in 0..limits::BLOCKING_OF_ONE_MAX {
        scene.done("bob", block(n as u128, 1));
    }
    full(&mut scene, "bob", block(9_999, 1));
    scene.done("bob", resolve(0));
    scene.done("bob", block(9_999, 1));
    let minor = |n| critique(n, Target::Decision(decision(1)), Severity::Minor);
    for n in limits::BLOCKING_OF_ONE_MAX + 1..limits::CRITIQUES_OF_ONE_MAX {
        scene.done("bob", minor(100 + n as u128));
    }
    full(&mut scene, "bob", minor(999));
    scene.done("cid", block(1_000, 1));
}

#[test]
fn arguments() {
    let authors = limits::ARGUMENTS_OF_A_SIDE_MAX / limits::ARGUMENTS_OF_ONE_MAX;
    let mut scene = team_of(authors);
    scene.done("ann", propose(1, VoteType::Consensus));
    for client in clients(authors) {
        for _ in 0..limits::ARGUMENTS_OF_ONE_MAX {
            scene.done(&client, argue(1, Side::For));
        }
        full(&mut scene, &client, argue(1, Side::Against));
    }
    full(&mut scene, "ann", argue(1, Side::For));
    scene.done("ann", argue(1, Side::Against));
}

/// One who floods a motion keeps nobody from voting, from stopping it, or from ending it.
#[test]
fn records_of_one_member() {
    let mut scene = team_with_reviewer(&["bob", "cid"]);
    scene.done("ann", propose(1, VoteType::SimpleMajority));
    for _ in 0..limits::RECORDS_OF_ONE_MAX {
        scene.done("bob", approve(1));
    }
    full(&mut scene, "bob", reject(1));
    full(&mut scene, "bob", argue(1, Side::For));
    scene.done("cid", block(7, 1));
    scene.done("cid", approve(1));
    let events = scene.done("rev", vote(1, Choice::Veto));
    assert_eq!(the_end(&events).verdict, Verdict::Vetoed);
}

#[test]
fn records_of_a_motion() {
    let members = limits::DECISION_RECORDS_MAX / limits::RECORDS_OF_ONE_MAX;
    let mut scene = team_of(members);
    scene.done("late", join());
    scene.done("ann", propose(1, VoteType::Consensus));
    'full: for client in clients(members) {
        for _ in 0..limits::RECORDS_OF_ONE_MAX {
            if scene.motion(1).records() == limits::DECISION_RECORDS_MAX {
                break 'full;
            }
            scene.done(&client, approve(1));
        }
    }
    full(&mut scene, "ann", argue(1, Side::For));
    scene.done("ann", approve(1));
    full(&mut scene, "ann", approve(1));
    scene.done("late", block(7, 1));
    let events = scene.done("late", reject(1));
    assert_eq!(the_end(&events).verdict, Verdict::Rejected);
}

#[test]
fn deadlines() {
    let mut scene = Scene::open();
    let with = |deadline_seconds| {
        RoomCommand::Propose(Propose {
            deadline_seconds,
            ..motion(1, VoteType::Consensus)
        })
    };
    for bad in [0, limits::DECISION_SECONDS_MAX + 1, u32::MAX] {
        assert_eq!(scene.refused("ann", with(bad)), RejectCode::InvalidField);
    }
    scene.done("ann", with(limits::DECISION_SECONDS_MAX));
}
