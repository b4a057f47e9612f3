//! `/v1/tickets`

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;

use super::Answer;
use crate::system;
use crate::tokens::Verified;
use crate::transport::State;
use crate::transport::auth::Caller;
use crate::wire::rest::TicketBody;
use crate::wire::time;

/// `POST /v1/tickets`: what opens one WebSocket as the caller. There is nothing in it for a key to
/// protect: a ticket that is not used changes nothing and is gone in half a minute.
pub(in crate::transport) async fn issue(state: Data<State>, caller: Caller) -> Answer {
    let client = caller.principal.client().clone();
    let opens = Verified {
        principal: caller.principal,
        expires_at: caller.expires_at,
    };
    let (wall, now) = (state.bridge.clock().wall(), state.bridge.clock().moment());
    let secret = system::random_bytes()?;
    let ticket = state.tickets.issue(opens, secret, wall, now)?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(TicketBody {
            ticket: ticket.text,
            expires_at: time::to_text(ticket.expires_at),
            client,
        }))
}
