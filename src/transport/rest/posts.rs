//! `/v1/rooms/{room}/messages`

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use bridge_core::command::{Post, RoomCommand};
use bridge_core::ports::{self, Window};
use bridge_core::{MessageId, Reject, RoomId};

use super::{Answer, change, created, json_text};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode::{self, ListFacts};
use crate::wire::frame::PostBody;
use crate::wire::rest::{MessagesQuery, ThreadQuery};

/// `POST …/messages`
pub(in crate::transport) async fn post(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let PostBody {
        channel,
        text,
        reply_to,
        metadata,
    } = extract::body(payload).await?;
    let command = RoomCommand::Post(Post {
        id: state.bridge.new_message(),
        channel,
        text,
        reply_to,
        reply_seq: None,
        metadata,
    });
    change(&request, &state, caller, command, created).await
}

/// `GET …/messages`: without `after` or `before`, the newest ones.
pub(in crate::transport) async fn list(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let MessagesQuery {
        channel,
        after,
        before,
        limit,
    } = extract::query(&request)?;
    let limit = extract::limit(limit)?;
    let window = match (after, before) {
        (Some(_), Some(_)) => {
            return Err(Reject::field("before", "goes without `after`").into());
        }
        (Some(after), None) => Window::After(after),
        (None, Some(before)) => Window::Before(before),
        (None, None) => Window::Newest,
    };
    let page = state
        .bridge
        .posts(&room, caller.principal, channel, window, limit)
        .await?;
    let facts = ListFacts {
        next: page.posts.last().map(|post| post.seq).or(after),
        previous: page.posts.first().map(|post| post.seq),
        epoch: page.epoch,
        complete: None,
    };
    Ok(json_text(
        StatusCode::OK,
        encode::list_text(&page.posts, &facts),
    ))
}

/// `GET …/messages/{id}/thread`: the whole thread that a message belongs to, from its first message.
pub(in crate::transport) async fn thread(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let room: RoomId = extract::path(&request, "room")?;
    let id: MessageId = extract::path(&request, "id")?;
    let ThreadQuery { after, limit } = extract::query(&request)?;
    let query = ports::ThreadQuery {
        after,
        records_max: extract::limit(limit)?,
    };
    let found = state.bridge.thread(&room, &caller.principal, id, query);
    let (page, next) = found.await?;
    let text = encode::thread_page_text(&page, next);
    Ok(json_text(StatusCode::OK, text))
}
