//! Whether messages are followed, and what takes their spans away.

use actix_web::rt::task::JoinHandle;
use bridge_core::limits;
use tokio::sync::oneshot;

use super::AppError;
use crate::config::Config;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::spans::{Exporter, Spans};

/// Where spans go, and what takes them there.
///
/// # Errors
/// When the settings make no sense, or the system does not let anybody speak HTTP.
pub(super) fn begin(
    config: &Config,
    metrics: &Metrics,
) -> Result<(Spans, Option<Exporter>), AppError> {
    let Some(settings) = config.tracing.settings()? else {
        return Ok((Spans::off(), None));
    };
    let (spans, exporter) = Spans::start(settings, metrics).map_err(|why| AppError::System {
        what: "a way to the collector of spans",
        why: why.to_string(),
    })?;
    Ok((spans, Some(exporter)))
}

/// Spans are being taken away.
pub(super) struct Exporting(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

/// Begins to take spans away.
pub(super) fn export(exporter: Option<Exporter>) -> Exporting {
    Exporting(exporter.map(|exporter| {
        let (stop, stopped) = oneshot::channel();
        (stop, actix_web::rt::spawn(exporter.run(stopped)))
    }))
}

impl Exporting {
    /// Takes what is left, within a moment.
    pub(super) async fn end(self) {
        let Some((stop, mut exporting)) = self.0 else {
            return;
        };
        drop(stop);
        match tokio::time::timeout(limits::SPANS_LAST_WITHIN, &mut exporting).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::warn!(error = %why, "the last spans are lost"),
            Err(_) => {
                exporting.abort();
                tracing::warn!("the collector did not take the last spans in time");
            }
        }
    }
}
