//! `/v1/rooms/{room}/members/…`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use bridge_core::command::{Grant, Remove, RoomCommand};
use bridge_core::{ClientId, RoomId};

use super::{Answer, change, changed, json_text};
use crate::actors::bridge::view_of;
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode;
use crate::wire::frame::JoinBody;
use crate::wire::rest::{GrantRequest, ReasonBody};

/// `PUT …/members/me`: join.
pub(in crate::transport) async fn join(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let key = extract::key(&request)?;
    let JoinBody {
        role,
        password,
        since: _,
    } = extract::optional_body(payload).await?;
    let password = password.map(|password| password.reveal().to_owned());
    let receipt = state
        .bridge
        .join_room(&room, role, password, caller.principal, key)
        .await?;
    let text = encode::room_text(view_of(&receipt)?, Some(state.bridge.epoch()));
    Ok(json_text(StatusCode::OK, text))
}

/// `DELETE …/members/me`: leave.
pub(in crate::transport) async fn leave(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    change(&request, &state, caller, RoomCommand::Leave, changed).await
}

/// `PUT …/members/{client}`: grant a role, and so invite who is no member.
pub(in crate::transport) async fn grant(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let client: ClientId = extract::path(&request, "client")?;
    let GrantRequest { role } = extract::body(payload).await?;
    let command = RoomCommand::Grant(Grant { client, role });
    change(&request, &state, caller, command, changed).await
}

/// `DELETE …/members/{client}`: take a member, or an invitation, out.
pub(in crate::transport) async fn remove(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let client: ClientId = extract::path(&request, "client")?;
    let ReasonBody { reason } = extract::optional_body(payload).await?;
    let command = RoomCommand::Remove(Remove { client, reason });
    change(&request, &state, caller, command, changed).await
}
