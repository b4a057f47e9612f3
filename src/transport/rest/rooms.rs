//! `/v1/rooms` and `/v1/rooms/{room}`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bridge_core::RoomId;
use bridge_core::command::{Close, CreateChannel, RoomCommand};
use bridge_core::ports::RoomRow;

use super::{Answer, change, changed, created, json_text};
use crate::actors::bridge::{NewRoom, view_of};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode;
use crate::wire::frame::{CreateChannelBody, SetPolicyBody};
use crate::wire::rest::{CreateRoomRequest, PageQuery, ReasonBody, RoomList, RoomListItem};
use crate::wire::time;

/// `POST /v1/rooms`
pub(in crate::transport) async fn create(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let key = extract::key(&request)?;
    let asked: CreateRoomRequest = extract::body(payload).await?;
    let CreateRoomRequest {
        room,
        topic,
        password,
        policy,
    } = asked;
    let password = password.map(|password| password.reveal().to_owned());
    let new = NewRoom {
        room,
        topic,
        password,
        policy: policy.into(),
    };
    let receipt = state.bridge.create_room(new, caller.principal, key).await?;
    let text = encode::room_text(view_of(&receipt)?, Some(state.bridge.epoch()));
    Ok(json_text(created(receipt.duplicate), text))
}

/// `GET /v1/rooms`
pub(in crate::transport) async fn list(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let PageQuery { after, limit } = extract::query(&request)?;
    let limit = extract::limit(limit)?;
    let (rows, next) = state
        .bridge
        .list_rooms(&caller.principal, after, limit)
        .await?;
    let items = rows.into_iter().map(item).collect();
    Ok(HttpResponse::Ok().json(RoomList { items, next }))
}

fn item(row: RoomRow) -> RoomListItem {
    RoomListItem {
        room: row.room,
        topic: row.topic.to_string(),
        visibility: row.visibility,
        has_password: row.has_password,
        created_at: time::to_text(row.created_at),
        closed_at: row.closed_at.map(time::to_text),
        members_total: row.members,
    }
}

/// `GET /v1/rooms/{room}`
pub(in crate::transport) async fn show(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let view = state.bridge.view(&room, caller.principal).await?;
    Ok(json_text(
        StatusCode::OK,
        encode::room_text(&view, Some(state.bridge.epoch())),
    ))
}

/// `DELETE /v1/rooms/{room}`: the room ends, its history stays.
pub(in crate::transport) async fn close(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let ReasonBody { reason } = extract::optional_body(payload).await?;
    let command = RoomCommand::Close(Close { reason });
    change(&request, &state, caller, command, changed).await
}

/// `PATCH /v1/rooms/{room}`: its policy changes.
pub(in crate::transport) async fn change_policy(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let key = extract::key(&request)?;
    let SetPolicyBody { policy } = extract::body(payload).await?;
    let (by, command) = (caller.principal, RoomCommand::SetPolicy(policy.into()));
    state
        .bridge
        .command(&room, command, by.clone(), key)
        .await?;
    let view = state.bridge.view(&room, by).await?;
    let text = encode::room_text(&view, Some(state.bridge.epoch()));
    Ok(json_text(StatusCode::OK, text))
}

/// `POST /v1/rooms/{room}/channels`
pub(in crate::transport) async fn create_channel(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let CreateChannelBody { name, topic } = extract::body(payload).await?;
    let command = RoomCommand::CreateChannel(CreateChannel { name, topic });
    change(&request, &state, caller, command, created).await
}

/// `GET /v1/rooms/{room}/channels`
pub(in crate::transport) async fn channels(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let view = state.bridge.view(&room, caller.principal).await?;
    let text = encode::channels_text(&view).ok_or(bridge_core::Reject::NotAMember(view.room))?;
    Ok(json_text(StatusCode::OK, text))
}
