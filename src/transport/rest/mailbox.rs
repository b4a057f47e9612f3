//! `/v1/mailbox`: what waits for the caller, by long poll.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use bridge_core::Reject;

use super::{Answer, json_text};
use crate::actors::bridge::{Confirmed, MailboxAsked};
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::transport::extract;
use crate::wire::encode::{self, MailboxFacts};
use crate::wire::rest::{MailboxCursor, MailboxQuery};

/// `GET /v1/mailbox`: hands over what waits, the most urgent first, and confirms what the call
/// before returned; with `peek`, only shows it.
pub(in crate::transport) async fn take(
    request: HttpRequest,
    state: Data<State>,
    caller: Caller,
) -> Answer {
    let MailboxQuery {
        after,
        limit,
        wait,
        peek,
    } = extract::query(&request)?;
    let messages_max = extract::limit(limit)?;
    let wait = extract::wait(wait)?;
    let page = if peek {
        look_only(after.is_none() && wait.is_zero())?;
        let peek = state.bridge.peek_messages(caller.principal, messages_max);
        peek.await?
    } else {
        let asked = MailboxAsked {
            confirm: after.map(confirmed),
            messages_max,
            wait,
        };
        state.bridge.take_messages(caller.principal, asked).await?
    };
    let facts = MailboxFacts {
        messages: &page.messages,
        receipts: &page.receipts,
        next: page.next.map(|next| cursor(next).to_string()),
        epoch: state.bridge.epoch(),
        complete: page.complete,
    };
    Ok(json_text(StatusCode::OK, encode::mailbox_text(&facts)))
}

/// Who only looks confirms nothing, and waits for nothing.
fn look_only(is_alone: bool) -> Result<(), Reject> {
    if is_alone {
        return Ok(());
    }
    Err(Reject::field("peek", "goes without `after` and `wait`"))
}

fn confirmed(cursor: MailboxCursor) -> Confirmed {
    let MailboxCursor {
        epoch,
        batch,
        broadcast,
        receipts,
    } = cursor;
    Confirmed {
        epoch,
        batch,
        broadcast,
        receipts,
    }
}

fn cursor(next: Confirmed) -> MailboxCursor {
    let Confirmed {
        epoch,
        batch,
        broadcast,
        receipts,
    } = next;
    MailboxCursor {
        epoch,
        batch,
        broadcast,
        receipts,
    }
}
