//! The server's end, as everybody in it hears of it.

use bridge_core::session::come_back_after;

use super::Bridge;

/// A number from 0 to 1 that nobody can guess.
pub type Chance = fn() -> f64;

/// When those who are sent away come back: not all in one instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct ComeBack {
    clients: usize,
    chance: Chance,
}

impl Bridge {
    /// Tells everybody who waits for news that the server stops, and lets no new session in. What
    /// the sessions have asked is answered; then they say goodbye and close by themselves. They and
    /// `others` come back spread over a while, by `chance`.
    pub fn drain(&self, others: usize, chance: Chance) {
        let clients = self.sessions_total() + others;
        let come_back = ComeBack { clients, chance };
        self.0.draining.send_replace(Some(come_back));
        for session in self.0.sessions.drain() {
            session.drain();
        }
    }

    /// Whether the server is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.borrow().is_some()
    }

    /// When whoever is sent away now should come back, in milliseconds. Each call says another time.
    #[must_use]
    pub fn come_back_after(&self) -> u64 {
        let come_back = *self.0.draining.borrow();
        match come_back {
            Some(ComeBack { clients, chance }) => come_back_after(clients, chance()),
            None => come_back_after(0, 0.0),
        }
    }

    /// Waits until the server stops. Who waits for news must wait for this as well: a request that
    /// is still open holds up the stop.
    pub async fn until_draining(&self) {
        let mut draining = self.0.draining.subscribe();
        if draining.wait_for(Option::is_some).await.is_err() {
            tracing::trace!("the sender lives as long as the bridge itself");
        }
    }
}
