//! `/v1/rooms/{room}/events`

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bridge_core::{Reject, RoomId, limits};

use super::{Answer, json_text};
use crate::actors::bridge::EventsAsked;
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode::{self, ListFacts};
use crate::wire::rest::EventsQuery;

/// `GET …/events`: the room's log, in order; with `wait`, a long poll.
pub(in crate::transport) async fn list(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let EventsQuery {
        after,
        epoch,
        limit,
        wait,
    } = extract::query(&request)?;
    let records_max = extract::limit(limit)?;
    let wait = Duration::from_secs(wait.unwrap_or_default());
    if wait > limits::LONG_POLL_MAX {
        let why = format!(
            "must be at most {} seconds",
            limits::LONG_POLL_MAX.as_secs()
        );
        return Err(Reject::field("wait", why).into());
    }
    let asked = EventsAsked {
        after,
        epoch,
        records_max,
        wait,
    };
    let page = state.bridge.events(&room, caller.principal, asked).await?;
    let facts = ListFacts {
        next: Some(page.next),
        previous: None,
        epoch: page.epoch,
        complete: Some(page.complete),
    };
    Ok(json_text(
        StatusCode::OK,
        encode::list_text(&page.events, &facts),
    ))
}
