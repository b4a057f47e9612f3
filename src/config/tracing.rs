//! Whether messages are followed, and where to.

use serde::Deserialize;

use super::ConfigError;
use crate::telemetry::spans::{Settings, WrongSetting};

/// Messages that are followed on their way.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tracing {
    otlp_endpoint: String,
    otlp_sample: f64,
    service_name: String,
}

/// A number that is none is refused, so every value equals itself.
impl Eq for Tracing {}

impl Tracing {
    /// Where spans go; none when no message is followed.
    ///
    /// # Errors
    /// When something makes no sense.
    pub fn settings(&self) -> Result<Option<Settings>, ConfigError> {
        let settings = Settings::new(&self.otlp_endpoint, self.otlp_sample, &self.service_name);
        settings.map_err(|wrong| {
            let key = match wrong {
                WrongSetting::Endpoint(_) => "tracing.otlp_endpoint",
                WrongSetting::Sample(_) => "tracing.otlp_sample",
                WrongSetting::Service => "tracing.service_name",
            };
            let why = wrong.to_string();
            ConfigError::Senseless { key, why }
        })
    }
}
