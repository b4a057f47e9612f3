//! Decisions that time makes, whether or not anybody asks, and whoever is asleep.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridge_core::command::{Join, PasswordProof, Propose, RoomCommand, Vote};
use bridge_core::decision::{Choice, Dossier, State, VoteType};
use bridge_core::event::{Event, Stream};
use bridge_core::policy::Role;
use bridge_core::ports::{Clock, Directory};
use bridge_core::{ChannelName, DecisionId, RejectCode, limits};

use super::harness::{House, Player, house, room, run, until};
use crate::actors::Faults;
use crate::actors::faults::Place;

const LONG: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(20);
/// How long motions may be voted on, in seconds; the veto window is as long by default.
const MINUTE: u32 = 60;
const MINUTE_MILLIS: i64 = 60_000;

pub(super) fn join(role: Option<Role>) -> RoomCommand {
    let proof = PasswordProof::None;
    RoomCommand::Join(Join { role, proof })
}

pub(super) fn propose(house: &House, text: &str) -> Propose {
    Propose {
        id: house.bridge.ids().decision(),
        channel: ChannelName::main(),
        text: text.parse().expect("a text"),
        vote_type: VoteType::SimpleMajority,
        quorum: None,
        deadline_seconds: MINUTE,
        exclude_proposer: false,
        alternative_to: None,
    }
}

pub(super) fn vote(decision: DecisionId, choice: Choice) -> RoomCommand {
    RoomCommand::Vote(Vote {
        decision,
        version: 1,
        choice,
        reason: None,
    })
}

/// Ann's room, in which Bob is, and a motion of hers.
async fn with_motion(house: &House, name: &str) -> DecisionId {
    house.create(name, "ann").await.expect("it is new");
    house
        .ask(name, "bob", join(None))
        .await
        .expect("it is open");
    let motion = propose(house, "PostgreSQL");
    let id = motion.id;
    let proposed = house.ask(name, "ann", RoomCommand::Propose(motion)).await;
    proposed.expect("she is a member");
    id
}

/// The log of a motion, as it is now.
fn dossier(house: &House, id: DecisionId) -> Dossier {
    let records = house.store.decision_history(id).expect("it can be read");
    Dossier::of(&records).expect("it was proposed")
}

async fn until_ended(house: &House, id: DecisionId) -> State {
    until(|| dossier(house, id).state != State::Open).await;
    let records = house.store.decision_history(id).expect("it can be read");
    let last = records.last().expect("it was proposed");
    assert!(matches!(last.event, Event::Decided(_)));
    assert_eq!(last.by.as_str(), "system", "nobody asked");
    dossier(house, id).state
}

/// What was told while the timekeeper slept wakes it, and so does the clock that is set forward.
#[test]
fn a_motion_expires_without_anybody_asking() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        let background = actix::spawn(house.bridge.clone().run_background());
        let id = with_motion(&house, "den").await;
        let mut bob = Player::connect(&house, "bob").await;
        assert_eq!(dossier(&house, id).state, State::Open);
        house.clock.by(MINUTE_MILLIS);
        assert_eq!(until_ended(&house, id).await, State::Expired);
        let told = bob.expect("event").await;
        assert_eq!(
            (&told["kind"], &told["by"], &told["verdict"]),
            (&"decided".into(), &"system".into(), &"expired".into())
        );
        background.abort();
    });
}

#[test]
fn a_motion_expires_in_a_room_that_sleeps() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        let background = actix::spawn(house.bridge.clone().run_background());
        let id = with_motion(&house, "den").await;
        until(|| house.bridge.rooms_awake() == 0).await;
        house.clock.by(MINUTE_MILLIS);
        assert_eq!(until_ended(&house, id).await, State::Expired);
        until(|| house.bridge.rooms_awake() == 0).await;
        background.abort();
    });
}

#[test]
fn a_motion_expires_after_a_restart() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        let id = with_motion(&house, "den").await;
        let house = house.restarted();
        let background = actix::spawn(house.bridge.clone().run_background());
        house.clock.by(MINUTE_MILLIS);
        assert_eq!(until_ended(&house, id).await, State::Expired);
        background.abort();
    });
}

/// It was over before the server was there again.
#[test]
fn a_motion_that_ended_while_nobody_was_there_is_ended() {
    run(async {
        let house = house(&[], Faults::default(), LONG);
        let id = with_motion(&house, "den").await;
        house.clock.by(2 * MINUTE_MILLIS);
        let house = house.restarted();
        let background = actix::spawn(house.bridge.clone().run_background());
        assert_eq!(until_ended(&house, id).await, State::Expired);
        background.abort();
    });
}

/// Rev, a reviewer, has not voted: what the others approve holds when its window is over, and of what
/// is undecided only the window closes.
#[test]
fn a_veto_window_closes() {
    run(async {
        let house = house(&[], Faults::default(), SOON);
        let background = actix::spawn(house.bridge.clone().run_background());
        house.create("den", "ann").await.unwrap();
        for name in ["bob", "rev"] {
            house.ask("den", name, join(None)).await.unwrap();
        }
        let role = Role::Reviewer;
        let client = "rev".parse().unwrap();
        let grant = RoomCommand::Grant(bridge_core::command::Grant { client, role });
        house.ask("den", "ann", grant).await.unwrap();
        let mut ids = Vec::new();
        for text in ["approved", "undecided"] {
            let motion = Propose {
                deadline_seconds: 10 * MINUTE,
                ..propose(&house, text)
            };
            ids.push(motion.id);
            let proposed = RoomCommand::Propose(motion);
            house.ask("den", "ann", proposed).await.unwrap();
        }
        for name in ["ann", "bob"] {
            let approve = vote(ids[0], Choice::Approve);
            house.ask("den", name, approve).await.unwrap();
        }
        assert_eq!(dossier(&house, ids[0]).state, State::Open, "it waits");
        house
            .clock
            .by(i64::from(limits::VETO_WINDOW_SECONDS_DEFAULT) * 1_000);
        assert_eq!(until_ended(&house, ids[0]).await, State::Approved);
        let waits = || dossier(&house, ids[1]).motion.veto_until.is_some();
        until(|| !waits()).await;
        assert_eq!(dossier(&house, ids[1]).state, State::Open);
        house.clock.by(10 * MINUTE_MILLIS);
        assert_eq!(until_ended(&house, ids[1]).await, State::Expired);
        background.abort();
    });
}

fn panics_on_demand(command: &RoomCommand) {
    if let RoomCommand::Post(post) = command {
        assert_ne!(&*post.text, "panic", "injected");
    }
}

/// How often the timekeeper has looked.
static LOOKS: AtomicUsize = AtomicUsize::new(0);

fn counts_looks(place: &Place<'_>) {
    if (place.actor, place.handler) == ("timekeeper", "look") {
        LOOKS.fetch_add(1, Ordering::Relaxed);
    }
}

/// It is asked more and more rarely, its neighbour's motion ends in time, and its own when it is
/// released.
#[test]
fn a_room_that_is_out_of_order_holds_nobody_up() {
    run(async {
        let hooks = Faults {
            on_command: Some(panics_on_demand),
            at: Some(counts_looks),
            ..Faults::default()
        };
        let house = house(&[], hooks, LONG);
        let stuck = with_motion(&house, "den").await;
        for _ in 0..=limits::RESTARTS_MAX {
            let panicked = house.post("den", "ann", "panic", None).await;
            let code = panicked.err().map(|reject| reject.code());
            assert_eq!(code, Some(RejectCode::Retry));
        }
        let den = Stream::Room(room("den"));
        until(|| house.bridge.is_held_back(&den)).await;
        house.clock.by(MINUTE_MILLIS);
        let background = actix::spawn(house.bridge.clone().run_background());
        let began = house.clock.moment();
        // It is told at once, after 100 ms, after 200 ms more, and so on. A look may come a moment too
        // early and be followed by another one.
        until(|| LOOKS.load(Ordering::Relaxed) >= 7).await;
        let took = house.clock.moment().millis_since(began);
        assert!(took >= 500, "it spins: 7 looks in {took} ms");
        // The neighbour's time comes when it has been overdue for long.
        let neighbour = with_motion(&house, "vault").await;
        house.clock.by(MINUTE_MILLIS);
        assert_eq!(until_ended(&house, neighbour).await, State::Expired);
        assert_eq!(dossier(&house, stuck).state, State::Open);
        assert!(house.bridge.release(&den));
        assert_eq!(until_ended(&house, stuck).await, State::Expired);
        background.abort();
    });
}
