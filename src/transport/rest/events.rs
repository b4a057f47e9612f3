//! `/v1/rooms/{room}/events`

mod feed;

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, mime};
use bridge_core::{Reject, RoomId, limits};

use super::{Answer, json_text};
use crate::actors::bridge::EventsAsked;
use crate::telemetry::metrics::Transport;
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::transport::socket;
use crate::wire::encode::{self, ListFacts};
use crate::wire::rest::EventsQuery;
use crate::wire::sse::{EventId, LAST_EVENT_ID};
use feed::Feed;

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
    let wait = extract::wait(wait)?;
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
        complete: Some(page.resumed.complete),
    };
    Ok(json_text(
        StatusCode::OK,
        encode::list_text(&page.events, &facts),
    ))
}

/// `GET …/events` for whoever accepts `text/event-stream`: the same log, and it goes on.
pub(in crate::transport) async fn stream(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let metrics = state.bridge.metrics().clone();
    let begun = begin_stream(request, state, caller).await;
    metrics.connected(Transport::Sse, begun.is_ok());
    begun
}

async fn begin_stream(request: HttpRequest, state: Data<State>, caller: Caller) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let query: EventsQuery = extract::query(&request)?;
    let (after, epoch) = match extract::header::<EventId>(&request, LAST_EVENT_ID)? {
        Some(last) => (Some(last.seq), Some(last.epoch)),
        None => (query.after, query.epoch),
    };
    let asked = EventsAsked {
        after,
        epoch,
        records_max: limits::PAGE_RECORDS_MAX,
        wait: Duration::ZERO,
    };
    // What is refused is refused before the stream begins, with a status.
    let by = caller.principal.clone();
    let first = state.bridge.events(&room, by, asked).await?;
    let place = state.streams.begin(caller.principal.client());
    let place = place.ok_or(Reject::ServerFull)?;
    let hang_up = socket::hang_up(&request);
    let feed = Feed::begin(state.bridge.clone(), room, caller, first, place, hang_up);
    Ok(HttpResponse::Ok()
        .content_type(mime::TEXT_EVENT_STREAM)
        .insert_header((CACHE_CONTROL, "no-store"))
        // A proxy that gathers an answer before it passes it on would pass on nothing.
        .insert_header(("x-accel-buffering", "no"))
        // A connection that stays open after the stream would hold up a stop.
        .force_close()
        .streaming(feed))
}
