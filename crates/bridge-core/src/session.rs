//! The life of a session, as a pure machine: opening → resuming → live → closed.

use crate::id::{Moment, Timestamp};
use crate::limits;
use crate::reject::Reject;

/// Why the server ends a session. The number's range on the wire says whether to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The server is stopping.
    Draining,
    /// The client does not read as fast as its rooms speak.
    Slow,
    /// Something failed in the server.
    ServerError,
    /// The server holds as many sessions as it may.
    ServerFull,
    /// The client did not answer, or never said hello.
    Silent,
    /// The token expired.
    Expired,
    /// The client broke the protocol.
    ProtocolError,
    /// A newer session of the same client took its place.
    Replaced,
    /// The client said goodbye.
    Gone,
}

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Connected; `hello` is due.
    Opening,
    /// `hello` was said; what was missed is on its way.
    Resuming,
    /// Everything is current.
    Live,
    /// Over.
    Closed,
}

/// What the passing of time demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Ask the client for a sign of life.
    Ping,
    /// End the session.
    Close(CloseReason),
}

/// The rules of one session. Time is an argument; everything it says is carried out by the shell.
///
/// Silence is how much time goes by, not what the wall clock shows: setting that forward must not
/// end every session, nor setting it back keep the dead ones. A token's end is what it shows.
#[derive(Debug, Clone)]
pub struct Session {
    phase: Phase,
    opened_at: Moment,
    expires_at: Timestamp,
    heard_at: Moment,
    pinged_at: Moment,
    heartbeat_millis: u64,
}

impl Session {
    /// A session that has just connected with a token that is good until `expires_at`.
    #[must_use]
    pub const fn open(now: Moment, expires_at: Timestamp, heartbeat_millis: u64) -> Self {
        Self {
            phase: Phase::Opening,
            opened_at: now,
            expires_at,
            heard_at: now,
            pinged_at: now,
            heartbeat_millis,
        }
    }

    /// Where it is in its life.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Something came from the client, or the client took something from us.
    pub const fn heard(&mut self, now: Moment) {
        self.heard_at = now;
    }

    /// The client said hello.
    ///
    /// # Errors
    /// When it had said it before.
    pub fn hello(&mut self) -> Result<(), Reject> {
        if self.phase != Phase::Opening {
            return Err(Reject::field(
                "type",
                "hello is said once, at the beginning",
            ));
        }
        self.phase = Phase::Resuming;
        Ok(())
    }

    /// What the client missed has been sent.
    pub fn resumed(&mut self) {
        if self.phase == Phase::Resuming {
            self.phase = Phase::Live;
        }
    }

    /// Whether a request other than hello may be taken.
    ///
    /// # Errors
    /// [`Reject::HelloExpected`] before hello.
    pub const fn request(&self) -> Result<(), Reject> {
        match self.phase {
            Phase::Opening => Err(Reject::HelloExpected),
            Phase::Resuming | Phase::Live | Phase::Closed => Ok(()),
        }
    }

    /// The session ends; what comes later is not read.
    pub const fn close(&mut self) {
        self.phase = Phase::Closed;
    }

    /// What is due now, when the wall clock shows `wall`. To be asked at least twice a heartbeat.
    pub fn tick(&mut self, now: Moment, wall: Timestamp) -> Due {
        let hello_within = millis(limits::HELLO_WITHIN);
        let silence = self
            .heartbeat_millis
            .saturating_mul(u64::from(limits::HEARTBEATS_MISSED_MAX));
        if self.phase == Phase::Closed {
            return Due::Nothing;
        }
        if wall >= self.expires_at {
            return Due::Close(CloseReason::Expired);
        }
        if self.phase == Phase::Opening && now.millis_since(self.opened_at) >= hello_within {
            return Due::Close(CloseReason::Silent);
        }
        if now.millis_since(self.heard_at) >= silence {
            return Due::Close(CloseReason::Silent);
        }
        let quiet = now.millis_since(self.heard_at.max(self.pinged_at));
        if quiet >= self.heartbeat_millis {
            self.pinged_at = now;
            return Due::Ping;
        }
        Due::Nothing
    }
}

/// When a client of a server that stops should come back, in milliseconds: at some time in a span
/// that grows with the number of those who will. `chance` is a number from 0 to 1.
#[must_use]
pub fn come_back_after(clients: usize, chance: f64) -> u64 {
    let many = (clients as u64).saturating_mul(limits::COME_BACK_MILLIS_EACH);
    let longest = many.clamp(limits::COME_BACK_MILLIS_FEW, limits::COME_BACK_MILLIS_MAX);
    let span = std::time::Duration::from_millis(longest - limits::COME_BACK_MILLIS_MIN);
    // A chance that is no number counts as none.
    let chance = if chance.is_nan() {
        0.0
    } else {
        chance.clamp(0.0, 1.0)
    };
    let waits = u64::try_from(span.mul_f64(chance).as_millis());
    limits::COME_BACK_MILLIS_MIN + waits.unwrap_or(longest)
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("bounds are seconds, not geological ages")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Timestamp = Timestamp::from_millis(i64::MAX);
    const NOON: Timestamp = Timestamp::from_millis(12 * 3_600_000);

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn hello_comes_first_and_once() {
        let mut session = Session::open(at(0), FAR, 20_000);
        assert_eq!(session.request(), Err(Reject::HelloExpected));
        assert_eq!(session.hello(), Ok(()));
        assert_eq!(session.request(), Ok(()));
        session.resumed();
        assert_eq!(session.phase(), Phase::Live);
        assert!(session.hello().is_err());
        assert_eq!(session.phase(), Phase::Live, "a refusal changes nothing");
    }

    #[test]
    fn hello_has_a_deadline() {
        let mut session = Session::open(at(0), FAR, 20_000);
        assert_eq!(session.tick(at(9_999), NOON), Due::Nothing);
        assert_eq!(
            session.tick(at(10_000), NOON),
            Due::Close(CloseReason::Silent)
        );
    }

    #[test]
    fn silence_is_asked_about_and_then_ended() {
        let mut session = Session::open(at(0), FAR, 20_000);
        session.hello().expect("first");
        assert_eq!(session.tick(at(19_999), NOON), Due::Nothing);
        assert_eq!(session.tick(at(20_000), NOON), Due::Ping);
        assert_eq!(
            session.tick(at(30_000), NOON),
            Due::Nothing,
            "one ping a heartbeat"
        );
        session.heard(at(30_000));
        assert_eq!(session.tick(at(50_000), NOON), Due::Ping);
        assert_eq!(session.tick(at(69_999), NOON), Due::Nothing);
        assert_eq!(
            session.tick(at(70_000), NOON),
            Due::Close(CloseReason::Silent)
        );
    }

    /// Whatever the wall clock is set to: a client that answers stays, and one that does not goes.
    #[test]
    fn a_wall_clock_that_is_set_ends_no_session_and_keeps_none() {
        let hour = 3_600_000;
        for jump in [hour, -hour] {
            let mut session = Session::open(at(0), FAR, 20_000);
            session.hello().expect("first");
            session.heard(at(1_000));
            let jumped = NOON.plus_millis(jump);
            assert_eq!(session.tick(at(20_999), jumped), Due::Nothing);
            assert_eq!(session.tick(at(21_000), jumped), Due::Ping);
            let silent = Due::Close(CloseReason::Silent);
            assert_eq!(session.tick(at(41_000), jumped), silent);
        }
    }

    #[test]
    fn an_expired_token_ends_its_session_even_when_it_is_busy() {
        let end = NOON.plus_millis(5_000);
        let mut session = Session::open(at(0), end, 20_000);
        session.hello().expect("first");
        session.heard(at(4_999));
        assert_eq!(session.tick(at(4_999), end.plus_millis(-1)), Due::Nothing);
        let expired = Due::Close(CloseReason::Expired);
        assert_eq!(session.tick(at(5_000), end), expired);
        session.close();
        assert_eq!(session.tick(at(6_000), end), Due::Nothing);
    }

    #[test]
    fn the_more_there_are_the_longer_they_take_to_come_back() {
        for (clients, longest) in [
            (0, 5_000),
            (1_000, 5_000),
            (5_000, 10_000),
            (usize::MAX, 30_000),
        ] {
            assert_eq!(come_back_after(clients, 0.0), 500);
            assert_eq!(come_back_after(clients, 1.0), longest, "{clients}");
            let middle = come_back_after(clients, 0.5);
            assert_eq!(middle, 500 + (longest - 500) / 2, "{clients}");
            for odd in [f64::NAN, f64::MIN, -1.0] {
                assert_eq!(come_back_after(clients, odd), 500);
            }
            assert_eq!(come_back_after(clients, f64::MAX), longest);
        }
    }
}
