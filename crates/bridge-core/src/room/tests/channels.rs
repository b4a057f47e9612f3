use super::*;
use crate::event::ChannelCreated;
use crate::policy::Who;

#[test]
fn any_member_makes_a_channel() {
    let mut scene = Scene::open_with(&["bob"]);
    let command = RoomCommand::CreateChannel(CreateChannel {
        name: channel("設計"),
        topic: topic("形"),
    });
    let events = scene.done("bob", command);
    let created = ChannelCreated {
        channel: channel("設計"),
        topic: topic("形"),
    };
    assert_eq!(events, [Event::ChannelCreated(created)]);
    let channels: Vec<_> = scene.room().channels().map(|c| c.name.as_str()).collect();
    assert_eq!(channels, ["main", "設計"]);
    assert_eq!(
        scene.refused("eve", make_channel("x")),
        RejectCode::NotAMember
    );
}

#[test]
fn a_channel_is_made_once_whatever_its_case() {
    let mut scene = Scene::open();
    scene.done("ann", make_channel("École"));
    for name in ["École", "école", "ÉCOLE", "main", "MAIN"] {
        assert_eq!(
            scene.refused("ann", make_channel(name)),
            RejectCode::ChannelExists,
            "{name}"
        );
    }
    for other in ["ecole", "Ecole-2", "ПРИВЕТ"] {
        scene.done("ann", make_channel(other));
    }
    assert_eq!(
        scene.refused("ann", make_channel("привет")),
        RejectCode::ChannelExists
    );
}

#[test]
fn a_policy_may_leave_channels_to_coordinators() {
    let policy = Policy {
        create_channels: Who::Coordinators,
        ..Policy::default()
    };
    let mut scene = Scene::of(policy, None);
    scene.done("bob", join());
    assert_eq!(
        scene.refused("bob", make_channel("x")),
        RejectCode::Forbidden
    );
    scene.done("ann", make_channel("x"));
    scene.done("root", join());
    scene.done("root", make_channel("y"));
    assert_eq!(
        scene.refused("eve", make_channel("z")),
        RejectCode::NotAMember
    );
}
