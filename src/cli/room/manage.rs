//! Rooms, their members and channels: what changes them.

use bridge_core::policy::Visibility;
use serde_json::json;

use super::Context;
use super::args::{
    ChannelArgs, CloseArgs, CreateArgs, GrantArgs, JoinArgs, RemoveArgs, RoomOnly, VisibilityArg,
};
use super::view::{self, RoomBody};
use crate::cli::show::visible;
use crate::client::session::without_nulls;
use crate::client::{ClientError, NewRoom};
use crate::wire::frame::{Password, PolicyBody};

pub(super) async fn create(context: &mut Context, args: CreateArgs) -> Result<(), ClientError> {
    let CreateArgs {
        room,
        topic,
        password,
        visibility,
    } = args;
    let password = password.password()?;
    let has_password = password.is_some();
    let policy = PolicyBody {
        visibility: Visibility::from(visibility),
        ..PolicyBody::default()
    };
    let new = NewRoom {
        room,
        topic: topic.to_string(),
        password,
        policy,
    };
    let answer = context
        .connection
        .rest
        .post(&["v1", "rooms"], &new.fields(), None)
        .await?;
    if visibility == VisibilityArg::Listed && !has_password {
        context
            .output
            .remark("note: without a password, the room is joined by a grant only");
    }
    context.output.answer(&answer, |paint| {
        let RoomBody { room, policy, .. } = view::read(&answer)?;
        let visibility = view::visibility(policy.visibility);
        let name = paint.bold(&visible(room.as_str()));
        Ok(format!(
            "created the {visibility} room {name}; you are its coordinator"
        ))
    })
}

pub(super) async fn join(context: &mut Context, args: &JoinArgs) -> Result<(), ClientError> {
    let room = args.room.as_str();
    let password = args.password.password()?;
    let password = password.as_ref().map(Password::reveal);
    let body = without_nulls(json!({ "role": args.role, "password": password }));
    let path = ["v1", "rooms", room, "members", "me"];
    let answer = context.connection.rest.put(&path, &body).await?;
    let me = context.connection.client.as_str();
    context.output.answer(&answer, |paint| {
        let body: RoomBody = view::read(&answer)?;
        let members = body.members.unwrap_or_default();
        let name = paint.bold(&visible(body.room.as_str()));
        let Some(member) = members.iter().find(|m| m.client.eq_ignore_ascii_case(me)) else {
            return Ok(format!("joined {name}"));
        };
        let role = visible(&member.role);
        let mut text = format!("joined {name} as {role}");
        if let Some(wished) = member.requested_role.as_deref().map(visible) {
            text.push_str(&format!(
                "\nyou asked for {wished}, which must be granted; its coordinator can: \
                 agent-bridge room grant {} {me} {wished}",
                body.room
            ));
        }
        Ok(text)
    })
}

pub(super) async fn leave(context: &mut Context, args: &RoomOnly) -> Result<(), ClientError> {
    let room = args.room.as_str();
    let path = ["v1", "rooms", room, "members", "me"];
    let answer = context.connection.rest.delete(&path, None).await?;
    context
        .output
        .answer(&answer, |_| Ok(format!("left {room}")))
}

pub(super) async fn channel(context: &mut Context, args: &ChannelArgs) -> Result<(), ClientError> {
    let body = json!({ "name": args.name, "topic": args.topic });
    let path = ["v1", "rooms", args.room.as_str(), "channels"];
    let answer = context.connection.rest.post(&path, &body, None).await?;
    context.output.answer(&answer, |_| {
        Ok(format!(
            "created the channel {} in {}",
            visible(args.name.as_str()),
            args.room
        ))
    })
}

pub(super) async fn grant(context: &mut Context, args: &GrantArgs) -> Result<(), ClientError> {
    let GrantArgs { room, client, role } = args;
    let path = ["v1", "rooms", room.as_str(), "members", client.as_str()];
    let answer = context
        .connection
        .rest
        .put(&path, &json!({ "role": role }))
        .await?;
    context.output.answer(&answer, |_| {
        Ok(format!("granted {client} the role {role} in {room}"))
    })
}

pub(super) async fn remove(context: &mut Context, args: &RemoveArgs) -> Result<(), ClientError> {
    let RemoveArgs {
        room,
        client,
        reason,
    } = args;
    let body = reason.as_ref().map(|reason| json!({ "reason": reason }));
    let path = ["v1", "rooms", room.as_str(), "members", client.as_str()];
    let answer = context.connection.rest.delete(&path, body.as_ref()).await?;
    context
        .output
        .answer(&answer, |_| Ok(format!("removed {client} from {room}")))
}

pub(super) async fn close(context: &mut Context, args: &CloseArgs) -> Result<(), ClientError> {
    let CloseArgs { room, reason } = args;
    let body = reason.as_ref().map(|reason| json!({ "reason": reason }));
    let path = ["v1", "rooms", room.as_str()];
    let answer = context.connection.rest.delete(&path, body.as_ref()).await?;
    context.output.answer(&answer, |_| {
        Ok(format!(
            "closed {room}; its history can still be read: agent-bridge room history {room}"
        ))
    })
}
