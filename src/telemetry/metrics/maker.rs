//! Handles on metrics, by the names and the labels of them.

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

use super::names::Named;

/// Makes handles.
#[derive(Clone, Copy)]
pub(super) struct Maker<'a>(pub(super) &'a PrometheusRecorder);

impl Maker<'_> {
    pub(super) fn counter<const N: usize>(
        &self,
        named: Named,
        labels: [(&'static str, &'static str); N],
    ) -> Counter {
        self.0.register_counter(&key(named, labels), &METADATA)
    }

    pub(super) fn gauge<const N: usize>(
        &self,
        named: Named,
        labels: [(&'static str, &'static str); N],
    ) -> Gauge {
        self.0.register_gauge(&key(named, labels), &METADATA)
    }

    pub(super) fn counter_named<const N: usize>(
        &self,
        named: Named,
        labels: [(&'static str, String); N],
    ) -> Counter {
        self.0
            .register_counter(&key_named(named, labels), &METADATA)
    }

    pub(super) fn gauge_named<const N: usize>(
        &self,
        named: Named,
        labels: [(&'static str, String); N],
    ) -> Gauge {
        self.0.register_gauge(&key_named(named, labels), &METADATA)
    }

    pub(super) fn histogram<const N: usize>(
        &self,
        named: Named,
        labels: [(&'static str, &'static str); N],
    ) -> Histogram {
        self.0.register_histogram(&key(named, labels), &METADATA)
    }
}

const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

fn key<const N: usize>(named: Named, labels: [(&'static str, &'static str); N]) -> Key {
    let labels: Vec<Label> = labels
        .into_iter()
        .map(|(name, value)| Label::from_static_parts(name, value))
        .collect();
    Key::from_parts(named.name, labels)
}

/// The same for labels that users have named. How many of those there are is bounded where they come
/// from.
fn key_named<const N: usize>(named: Named, labels: [(&'static str, String); N]) -> Key {
    let labels: Vec<Label> = labels
        .into_iter()
        .map(|(name, value)| Label::new(name, value))
        .collect();
    Key::from_parts(named.name, labels)
}
