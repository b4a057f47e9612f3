use bridge_core::{Principal, RejectCode};

use super::*;

const HOUR: i64 = 3_600_000;

/// What the wall clock shows all the time; tokens end so much later.
const WALL: Timestamp = Timestamp::from_millis(1_000 * HOUR);

fn at(millis: u64) -> Moment {
    Moment::from_millis(millis)
}

fn later(millis: i64) -> Timestamp {
    WALL.plus_millis(millis)
}

fn opens(client: &str, expires_at: i64) -> Verified {
    let scopes = "room:den message".parse().unwrap();
    Verified {
        principal: Principal::new(client.parse().unwrap(), scopes),
        expires_at: later(expires_at),
    }
}

/// A different one for each number.
fn secret(number: usize) -> TicketSecret {
    let mut secret = [7; 32];
    secret[..8].copy_from_slice(&number.to_be_bytes());
    secret
}

fn why(refused: Result<Verified, Reject>) -> String {
    match refused {
        Err(Reject::Unauthorized(why)) => why.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ticket_opens_once_what_its_token_opens() {
    let tickets = Tickets::default();
    let ticket = tickets
        .issue(opens("ann", HOUR), secret(1), WALL, at(0))
        .unwrap();
    assert_eq!(ticket.expires_at, later(30_000));
    assert_eq!(ticket.text.len(), "tkt_".len() + 64);
    assert_eq!(tickets.redeem(&ticket.text, at(1)), Ok(opens("ann", HOUR)));
    assert!(why(tickets.redeem(&ticket.text, at(2))).contains("used"));
    // It is told so for as long as the ticket would have been good.
    assert!(why(tickets.redeem(&ticket.text, at(29_999))).contains("used"));
}

#[test]
fn a_ticket_is_good_for_half_a_minute_and_no_longer_than_its_token() {
    let tickets = Tickets::default();
    let issue = |number, token_expires_at| {
        let opens = opens("ann", token_expires_at);
        tickets.issue(opens, secret(number), WALL, at(0))
    };
    let last = issue(1, HOUR).unwrap();
    let late = issue(2, HOUR).unwrap();
    assert!(tickets.redeem(&last.text, at(29_999)).is_ok());
    assert!(why(tickets.redeem(&late.text, at(30_000))).contains("expired"));
    let short = issue(3, 5_000).unwrap();
    assert_eq!(short.expires_at, later(5_000));
    assert!(why(tickets.redeem(&short.text, at(5_000))).contains("expired"));
    // A token is taken for some seconds after its end; what it buys would end before it began.
    let expired = issue(4, 0).expect_err("the token has expired");
    assert_eq!(expired.code(), RejectCode::Unauthorized);
}

#[test]
fn what_is_no_ticket_is_unknown() {
    let tickets = Tickets::default();
    let ticket = tickets
        .issue(opens("ann", HOUR), secret(1), WALL, at(0))
        .unwrap();
    let other = format!("{PREFIX}{}", hex::text(&secret(2)));
    let bare = ticket.text.strip_prefix(PREFIX).unwrap();
    let cut = &ticket.text[..ticket.text.len() - 1];
    let long = "x".repeat(100_000);
    for text in ["", PREFIX, "garbage", bare, cut, &other, &long] {
        assert!(
            why(tickets.redeem(text, at(1))).contains("not known"),
            "{text:?}"
        );
    }
    assert!(tickets.redeem(&ticket.text, at(1)).is_ok());
}

#[test]
fn one_client_cannot_have_everybodys_tickets() {
    let tickets = Tickets::default();
    let mut own = Vec::new();
    for number in 0..limits::CLIENT_TICKETS_MAX {
        own.push(
            tickets
                .issue(opens("ann", HOUR), secret(number), WALL, at(0))
                .unwrap(),
        );
    }
    let more =
        |client, number, now| tickets.issue(opens(client, HOUR), secret(number), WALL, at(now));
    // Names are one without regard to case.
    let refused = more("ANN", 1_000, 0).expect_err("as many as one may have");
    assert_eq!(refused.code(), RejectCode::Busy);
    assert!(more("bob", 1_001, 0).is_ok());
    // A used one makes room for the next, and so do those that expire.
    assert!(tickets.redeem(&own[0].text, at(1)).is_ok());
    assert!(more("ann", 1_002, 1).is_ok());
    assert!(more("ann", 1_003, 1).is_err());
    assert!(more("ann", 1_004, 30_000).is_ok());
}

#[test]
fn tickets_are_bounded_in_all_and_swept_when_new_ones_are_made() {
    let tickets = Tickets::default();
    let count = || tickets.lock().len();
    let issue = |number: usize, now| {
        let client = format!("client-{}", number / limits::CLIENT_TICKETS_MAX);
        tickets.issue(opens(&client, HOUR), secret(number), WALL, at(now))
    };
    let first = issue(0, 0).unwrap();
    for number in 1..limits::TICKETS_MAX {
        issue(number, 1).unwrap();
    }
    let refused = issue(limits::TICKETS_MAX, 1).expect_err("as many as there may be");
    assert_eq!(refused.code(), RejectCode::Busy);
    assert_eq!(count(), limits::TICKETS_MAX);
    // A used one is forgotten before anybody is turned away.
    assert!(tickets.redeem(&first.text, at(1)).is_ok());
    assert!(issue(limits::TICKETS_MAX, 1).is_ok());
    assert_eq!(count(), limits::TICKETS_MAX);
    assert!(why(tickets.redeem(&first.text, at(1))).contains("not known"));
    assert!(issue(limits::TICKETS_MAX + 1, 30_001).is_ok());
    assert_eq!(count(), 1);
}

#[test]
fn a_ticket_does_not_show_itself() {
    let tickets = Tickets::default();
    let ticket = tickets
        .issue(opens("ann", HOUR), secret(1), WALL, at(0))
        .unwrap();
    let shown = format!("{ticket:?} {tickets:?}");
    assert!(
        !shown.contains("0707") && !shown.contains(PREFIX),
        "{shown}"
    );
}
