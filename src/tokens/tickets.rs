//! Tickets: what a browser shows instead of a token when it opens a WebSocket.
//!
//! A browser cannot set a header there, and an address ends up in histories and in the logs of
//! proxies, where a token must not be. A ticket may: it opens one session, once, within seconds.
//! Tickets are in memory only. A restart voids them, and who had one asks for another.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bridge_core::{Moment, Reject, Timestamp, limits};

use super::Verified;
use crate::hex;

const PREFIX: &str = "tkt_";

/// What makes a ticket hard to guess: 256 bits, to be drawn from the system's random source.
pub type TicketSecret = [u8; 32];

/// A new ticket. It does not show itself.
pub struct Ticket {
    /// The ticket itself.
    pub text: String,
    /// Until when it opens a session.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The tickets that were given out and have not expired.
#[derive(Default)]
pub struct Tickets(Mutex<HashMap<TicketSecret, Issued>>);

/// What the server knows of a ticket.
struct Issued {
    /// What the token said that bought it.
    opens: Verified,
    /// It opens nothing from then on, whatever the wall clock is set to.
    until: Moment,
    /// A used one stays only so that its second user is told what is wrong.
    is_used: bool,
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets").finish_non_exhaustive()
    }
}

impl Tickets {
    /// Makes a ticket that opens what a token opens, when the wall clock shows `wall`. Those that have expired are swept out.
    ///
    /// # Errors
    /// [`Reject::Busy`] when there are too many, of this client or in all; [`Reject::Unauthorized`]
    /// when the token has expired, which it may have within the leeway of its check.
    pub fn issue(
        &self,
        opens: Verified,
        secret: TicketSecret,
        wall: Timestamp,
        now: Moment,
    ) -> Result<Ticket, Reject> {
        let life = i64::try_from(limits::TICKET_LIFE.as_millis()).unwrap_or(i64::MAX);
        let expires_at = wall.plus_millis(life).min(opens.expires_at);
        if expires_at <= wall {
            let why = "the token has expired; make a new one";
            return Err(Reject::Unauthorized(why));
        }
        let until = now.plus_millis(expires_at.millis_since(wall).unsigned_abs());
        let mut issued = self.lock();
        issued.retain(|_, ticket| now < ticket.until);
        if issued.len() >= limits::TICKETS_MAX {
            issued.retain(|_, ticket| !ticket.is_used);
        }
        let client = opens.principal.client();
        let of_client = issued
            .values()
            .filter(|ticket| !ticket.is_used && ticket.opens.principal.client() == client)
            .count();
        if of_client >= limits::CLIENT_TICKETS_MAX || issued.len() >= limits::TICKETS_MAX {
            return Err(Reject::Busy { queue: "tickets" });
        }
        let ticket = Issued {
            opens,
            until,
            is_used: false,
        };
        issued.insert(secret, ticket);
        let text = format!("{PREFIX}{}", hex::text(&secret));
        Ok(Ticket { text, expires_at })
    }

    /// Takes a ticket. From then on it is used, whatever becomes of the session.
    ///
    /// # Errors
    /// [`Reject::Unauthorized`] when it is unknown, used or expired.
    pub fn redeem(&self, text: &str, now: Moment) -> Result<Verified, Reject> {
        let unknown = Reject::Unauthorized(
            "this ticket is not known: it is none of this server's, or has expired, or is from \
             before the server's last start; get a new one with POST /v1/tickets",
        );
        let secret = text.strip_prefix(PREFIX).and_then(hex::bytes);
        let mut issued = self.lock();
        let Some(ticket) = secret.and_then(|secret: TicketSecret| issued.get_mut(&secret)) else {
            return Err(unknown);
        };
        if ticket.is_used {
            return Err(Reject::Unauthorized(
                "the ticket was used already; each opens one session",
            ));
        }
        if now >= ticket.until {
            return Err(Reject::Unauthorized(
                "the ticket has expired; get a new one with POST /v1/tickets",
            ));
        }
        ticket.is_used = true;
        Ok(ticket.opens.clone())
    }

    /// The map is whole between any two statements that could panic, so a poisoned lock is good.
    fn lock(&self) -> MutexGuard<'_, HashMap<TicketSecret, Issued>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
