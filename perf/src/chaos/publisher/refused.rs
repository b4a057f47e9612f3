//! What a publisher was refused for now, and says again.

use std::time::Duration;

use serde_json::Value;

use super::Publisher;
use crate::chaos::life::Life;
use crate::chaos::peer::Peer;

/// What it was refused.
#[derive(Debug, Default)]
pub(in crate::chaos) struct Refused {
    is_expected: bool,
    again: Vec<u64>,
    rest: Duration,
    /// Refusals that say that nothing was carried out.
    pub(in crate::chaos) for_now: u64,
    /// Refusals that leave the outcome open.
    pub(in crate::chaos) unknown: u64,
}

impl Refused {
    /// Another life begins, in which everything that is open is said anew.
    pub(super) fn begin(&mut self, is_expected: bool) {
        self.is_expected = is_expected;
        self.again.clear();
        self.rest = Duration::ZERO;
    }
}

impl Publisher {
    /// Whether a frame refuses for now what is open. If the outcome is open, the next answer may say
    /// that it was stored; otherwise it may not.
    pub(super) fn is_refused(&mut self, frame: &Value) -> bool {
        let number = frame["ref"].as_str().and_then(|word| word.parse().ok());
        let Some(is_repeat) = number.and_then(|number| self.open.get_mut(&number)) else {
            return false;
        };
        if !self.refused.is_expected || frame["temporary"] != true {
            return false;
        }
        if frame["code"] == "outcome_unknown" {
            *is_repeat = true;
            self.refused.unknown += 1;
        } else {
            self.refused.for_now += 1;
        }
        let rest = Duration::from_millis(frame["retry_after_ms"].as_u64().unwrap_or_default());
        self.refused.rest = self.refused.rest.max(rest);
        self.refused.again.extend(number);
        true
    }

    /// Says it again, after as long as the server asked for.
    pub(super) async fn repeat_refused(
        &mut self,
        peer: &mut Peer,
        life: &Life,
    ) -> Result<(), String> {
        if self.refused.again.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(std::mem::take(&mut self.refused.rest)).await;
        let again = std::mem::take(&mut self.refused.again);
        self.say(peer, life, &again).await
    }
}
