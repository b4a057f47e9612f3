//! What the server measures, where that is served, and to whom.

use std::net::SocketAddr;

use bridge_core::limits;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::ConfigError;

/// What the server measures.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Who may read it without a token.
    pub open: MetricsOpen,
    /// Where it is served; without an address where everything else is.
    #[serde(deserialize_with = "address_or_none")]
    pub bind: Option<SocketAddr>,
    identity_labels: bool,
    identity_values_max: usize,
}

impl Metrics {
    /// How many values labels have that name clients, rooms or channels; none without such labels.
    #[must_use]
    pub fn identity_values(&self) -> Option<usize> {
        self.identity_labels.then_some(self.identity_values_max)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let (values, max) = (self.identity_values_max, limits::IDENTITY_VALUES_MAX);
        if values == 0 || values > max {
            let why = format!("must be from 1 to {max}, but is {values}");
            return Err(ConfigError::Senseless {
                key: "metrics.identity_values_max",
                why,
            });
        }
        Ok(())
    }
}

/// Who may read what is measured without a token. Everybody else needs one with the scope `metrics`
/// or `admin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricsOpen {
    /// Whoever asks from this machine, but for a proxy on it.
    Loopback,
    /// Whoever asks.
    Everybody,
    /// Nobody.
    Nobody,
}

/// An address and a port; an empty text is none.
fn address_or_none<'de, D: Deserializer<'de>>(d: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(d)?;
    if text.is_empty() {
        return Ok(None);
    }
    let address = text.parse().map(Some);
    address.map_err(|_| {
        D::Error::custom(format!(
            "must be empty, or an address and a port such as 127.0.0.1:9100, but is {text:?}"
        ))
    })
}
