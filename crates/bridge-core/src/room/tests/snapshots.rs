use super::*;
use crate::owner::RecentKeys;
use crate::room::{RecentPosts, SNAPSHOT_FORMAT};

/// A room in which everything has happened.
fn eventful() -> Scene {
    let policy = Policy {
        visibility: Visibility::Listed,
        ..Policy::default()
    };
    let mut scene = Scene::of(policy, Some("$argon2id$hash"));
    scene.done("ann", grant("bob", Role::Reviewer));
    scene.done("bob", join());
    scene.done("cid", join_with(knows("$argon2id$hash")));
    let wish = Join {
        role: Some(Role::Coordinator),
        proof: knows("$argon2id$hash"),
    };
    scene.done("dora", RoomCommand::Join(wish));
    scene.done("bob", make_channel("Entwürfe"));
    scene.done("cid", post("@ann hello"));
    scene.done("ann", remove("cid"));
    scene.done("bob", leave());
    scene
}

fn without_the_cache(room: &Room) -> Room {
    Room {
        keys: RecentKeys::default(),
        recent_posts: RecentPosts::default(),
        ..room.clone()
    }
}

fn round_trip(room: &Room) -> Room {
    Room::from_snapshot(&room.to_snapshot().unwrap()).unwrap()
}

#[test]
fn a_snapshot_is_the_room_at_every_position() {
    let mut scene = eventful();
    scene.done("ann", close());
    scene.done("ann", leave());
    let all = [
        "room_created",
        "member_joined",
        "member_left",
        "member_removed",
        "role_granted",
    ];
    let more = ["channel_created", "posted", "room_closed"];
    for kind in all.iter().chain(&more) {
        assert!(
            scene.log.iter().any(|e| e.event.kind() == *kind),
            "no {kind} in the test"
        );
    }
    for at in 1..=scene.log.len() {
        let room = replayed(&scene.log[..at]);
        let restored = round_trip(&room);
        assert_eq!(restored, without_the_cache(&room), "after {at} records");
        assert_eq!(
            restored.to_snapshot(),
            room.to_snapshot(),
            "after {at} records"
        );
        assert_eq!(restored.id().as_str(), "Alpha");
    }
}

#[test]
fn a_room_goes_on_from_a_snapshot_as_from_its_log() {
    let scene = eventful();
    for at in 1..scene.log.len() {
        let mut restored = round_trip(&replayed(&scene.log[..at]));
        for envelope in &scene.log[at..] {
            restored.apply(envelope);
        }
        assert_eq!(
            without_the_cache(&restored),
            without_the_cache(scene.room()),
            "from {at}"
        );
    }
    let mut restored = scene.clone();
    restored.ledger = Ledger::new(round_trip(scene.room()));
    assert_eq!(restored.refused("cid", post("x")), RejectCode::NotAMember);
    assert_eq!(
        restored.refused("bob", make_channel("ENTWÜRFE")),
        RejectCode::NotAMember
    );
    assert_eq!(
        restored.refused("ann", make_channel("ENTWÜRFE")),
        RejectCode::ChannelExists
    );
    restored.done("bob", join_as(Role::Reviewer));
    assert_eq!(
        restored.role("bob"),
        Some(Role::Reviewer),
        "the grant is in it"
    );
}

#[test]
fn what_is_no_room_has_no_snapshot() {
    assert_eq!(Scene::vacant().room().to_snapshot(), None);
    for bad in ["", "{}", "[]", "{\"id\": \"alpha\", \"open\": true}"] {
        assert!(Room::from_snapshot(bad.as_bytes()).is_err(), "{bad:?}");
    }
}

/// Snapshots outlive the program that wrote them. When this test fails, the new form needs a new
/// [`SNAPSHOT_FORMAT`].
#[test]
fn the_form_of_snapshots_is_kept() {
    let mut scene = Scene::listed();
    scene.done("ann", grant("bob", Role::Coder));
    let golden = concat!(
        r#"{"id":"Alpha","open":true,"head":3,"last_at":1002,"created_at":1001,"#,
        r#""created_by":"ann","closed_at":null,"topic":"a topic","#,
        r#""policy":{"visibility":"listed","roles":"granted","create_channels":"members","#,
        r#""weights":{"coordinator":2000,"reviewer":1500,"others":1000}},"password":"secret","#,
        r#""members":[{"client":"ann","role":"coordinator","weight":2000,"#,
        r#""requested_role":null,"joined_at":1001,"joined_seq":2}],"#,
        r#""grants":[["bob","coder"]],"#,
        r#""channels":[{"name":"main","topic":"","created_at":1001}],"posts":0,"#,
        r#""decisions":{"open":{},"closed":{},"critiques":{}}}"#,
    );
    let snapshot = String::from_utf8(scene.room().to_snapshot().unwrap()).unwrap();
    assert_eq!((SNAPSHOT_FORMAT, snapshot.as_str()), (2, golden));
}

/// The part of it that is about decisions. It holds everything that a motion can have.
#[test]
fn the_form_of_motions_in_snapshots_is_kept() {
    let decisions = super::decisions::one_of_everything();
    let snapshot: serde_json::Value =
        serde_json::from_slice(&decisions.room().to_snapshot().unwrap()).unwrap();
    let golden = include_str!("snapshots/decisions.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    assert_eq!(snapshot["decisions"], golden, "{}", snapshot["decisions"]);
    assert_eq!(SNAPSHOT_FORMAT, 2);
}
