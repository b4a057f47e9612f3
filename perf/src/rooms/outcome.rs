//! What one run has shown, and several together.

use std::collections::BTreeMap;

use serde::Serialize;

use super::measure::Sample;
use super::tally::Tally;
use crate::figures::{Quantiles, Spread, ratio};
use crate::machine::Disk;
use crate::procfs::{MachineCpu, ProcessCpu};
use crate::server::Complaints;

/// Of the machine. The kernel itself, writing for the server, takes about half of that.
const OTHERS_DISTURB: f64 = 0.1;

/// One run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    pub(crate) disk: Disk,
    /// Acknowledged, and so durable, in the window.
    pub(crate) posts_per_second: f64,
    /// Told to members other than the sender, in the window.
    pub(super) deliveries_per_second: f64,
    pub(crate) acknowledgement: Quantiles,
    pub(super) delivery: Quantiles,
    /// How late this program itself was in an open loop.
    pub(super) own_delay: Quantiles,
    /// The longest time without any acknowledgement to anybody.
    pub(super) longest_silence_ms: f64,
    pub(super) writer: Writer,
    pub(super) cpu: Cpu,
    pub(crate) posted_ever: u64,
    /// Posts of the window that were asked of the server.
    pub(super) asked: u64,
    /// Those of them whose sender was told that they are durable. One at best; none when nothing was
    /// asked.
    pub(super) success_rate: Option<f64>,
    pub(crate) errors: BTreeMap<String, u64>,
    /// Warnings and errors in the server's log.
    pub(super) complaints: Complaints,
}

/// The server's log writer between two samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct Writer {
    pub(super) commits_per_second: f64,
    /// None when nothing was committed.
    pub(super) posts_per_commit: Option<f64>,
    /// From the first row to the end of the fsync.
    pub(super) commit_mean_ms: Option<f64>,
    /// Of all the time.
    pub(super) busy_share: f64,
}

/// Seconds of processor time between two samples. What the system does not tell is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Cpu {
    pub(super) span_seconds: f64,
    pub(super) server: Option<ProcessCpu>,
    pub(super) client: Option<ProcessCpu>,
    pub(super) machine: Option<MachineCpu>,
}

impl Outcome {
    pub(crate) fn new(
        tally: &Tally,
        samples: &[Sample; 2],
        disk: Disk,
        complaints: Complaints,
    ) -> Self {
        let seconds = tally.window().nanos() as f64 / 1e9;
        Self {
            disk,
            posts_per_second: tally.acknowledged as f64 / seconds,
            deliveries_per_second: tally.delivered as f64 / seconds,
            acknowledgement: tally.acknowledgements.quantiles(),
            delivery: tally.deliveries.quantiles(),
            own_delay: tally.own_delay.quantiles(),
            longest_silence_ms: tally.longest_silence as f64 / 1e6,
            writer: Writer::between(samples),
            cpu: Cpu::between(samples),
            posted_ever: tally.posted_ever,
            asked: tally.asked(),
            success_rate: ratio(tally.answered_well() as f64, tally.asked() as f64),
            errors: tally.errors.clone(),
            complaints,
        }
    }

    /// Whether other programs took so much of the machine that the figures are also theirs.
    pub(super) fn is_disturbed(&self) -> bool {
        let others = self.cpu.others().zip(self.cpu.machine);
        let share = others.and_then(|(others, machine)| ratio(others, machine.total()));
        share > Some(OTHERS_DISTURB)
    }

    /// Whatever went wrong.
    pub(crate) fn errors_total(&self) -> u64 {
        self.errors.values().sum()
    }
}

fn seconds(first: u64, last: u64) -> f64 {
    last.saturating_sub(first) as f64 / 1e9
}

impl Writer {
    fn between(samples: &[Sample; 2]) -> Self {
        let [first, last] = samples;
        let span = seconds(first.log_at, last.log_at);
        let done = last.log.minus(&first.log);
        let (batches, busy) = (done.batches as f64, done.commit_micros as f64 / 1e6);
        Self {
            commits_per_second: ratio(batches, span).unwrap_or_default(),
            posts_per_commit: ratio(done.records as f64, batches),
            commit_mean_ms: ratio(busy * 1e3, batches),
            busy_share: ratio(busy, span).unwrap_or_default(),
        }
    }
}

impl Cpu {
    fn between(samples: &[Sample; 2]) -> Self {
        let [first, last] = samples;
        let process = |now: &Option<ProcessCpu>, earlier: &Option<ProcessCpu>| {
            Some(now.as_ref()?.minus(earlier.as_ref()?))
        };
        Self {
            span_seconds: seconds(first.at, last.at),
            server: process(&last.server, &first.server),
            client: process(&last.client, &first.client),
            machine: last
                .machine
                .zip(first.machine)
                .map(|(now, earlier)| now.minus(&earlier)),
        }
    }

    /// Seconds of other processes and of the kernel on nobody's behalf.
    pub(super) fn others(&self) -> Option<f64> {
        let ours = self.server.as_ref()?.total().busy() + self.client.as_ref()?.total().busy();
        Some((self.machine?.busy - ours).max(0.0))
    }
}

/// Several runs of the same load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(super) runs: usize,
    /// Runs that were left out, because other programs were busy.
    pub(super) disturbed_runs: u32,
    pub(super) errors: u64,
    pub(super) success_rate: Option<Spread>,
    pub(super) posts_per_second: Spread,
    pub(super) deliveries_per_second: Spread,
    pub(super) acknowledgement_p50_ms: Spread,
    pub(super) acknowledgement_p95_ms: Spread,
    pub(super) acknowledgement_p99_ms: Spread,
    pub(super) delivery_p50_ms: Spread,
    pub(super) delivery_p95_ms: Spread,
    pub(super) delivery_p99_ms: Spread,
    pub(super) delivery_p999_ms: Spread,
    pub(super) posts_per_commit: Option<Spread>,
    pub(super) commit_mean_ms: Option<Spread>,
    pub(super) writer_busy_share: Spread,
    pub(super) disk_sync_p50_ms: Spread,
    pub(super) server_cpu_seconds_per_second: Option<Spread>,
    pub(super) client_cpu_seconds_per_second: Option<Spread>,
    pub(super) other_cpu_seconds_per_second: Option<Spread>,
}

impl Summary {
    /// Of at least one run.
    pub(super) fn of(runs: &[Outcome], disturbed_runs: u32) -> Option<Self> {
        let spread = |number: &dyn Fn(&Outcome) -> f64| Spread::of(runs.iter().map(number));
        let known =
            |number: &dyn Fn(&Outcome) -> Option<f64>| Spread::of(runs.iter().filter_map(number));
        let share = |process: &Option<ProcessCpu>, run: &Outcome| {
            ratio(process.as_ref()?.total().busy(), run.cpu.span_seconds)
        };
        Some(Self {
            runs: runs.len(),
            disturbed_runs,
            errors: runs.iter().map(Outcome::errors_total).sum(),
            success_rate: known(&|run| run.success_rate),
            posts_per_second: spread(&|run| run.posts_per_second)?,
            deliveries_per_second: spread(&|run| run.deliveries_per_second)?,
            acknowledgement_p50_ms: spread(&|run| run.acknowledgement.p50_ms)?,
            acknowledgement_p95_ms: spread(&|run| run.acknowledgement.p95_ms)?,
            acknowledgement_p99_ms: spread(&|run| run.acknowledgement.p99_ms)?,
            delivery_p50_ms: spread(&|run| run.delivery.p50_ms)?,
            delivery_p95_ms: spread(&|run| run.delivery.p95_ms)?,
            delivery_p99_ms: spread(&|run| run.delivery.p99_ms)?,
            delivery_p999_ms: spread(&|run| run.delivery.p999_ms)?,
            posts_per_commit: known(&|run| run.writer.posts_per_commit),
            commit_mean_ms: known(&|run| run.writer.commit_mean_ms),
            writer_busy_share: spread(&|run| run.writer.busy_share)?,
            disk_sync_p50_ms: spread(&|run| run.disk.sync_p50_ms)?,
            server_cpu_seconds_per_second: known(&|run| share(&run.cpu.server, run)),
            client_cpu_seconds_per_second: known(&|run| share(&run.cpu.client, run)),
            other_cpu_seconds_per_second: known(&|run| {
                ratio(run.cpu.others()?, run.cpu.span_seconds)
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::LogStats;

    fn sample(at: u64, batches: u64, records: u64, commit_micros: u64) -> Sample {
        Sample {
            at,
            log_at: at,
            log: LogStats {
                batches,
                records,
                commit_micros,
            },
            server: None,
            client: None,
            machine: None,
        }
    }

    #[test]
    fn the_writer_is_what_happened_between() {
        let samples = [
            sample(1_000_000_000, 10, 100, 5_000),
            sample(3_000_000_000, 30, 2_100, 1_005_000),
        ];
        let writer = Writer::between(&samples);
        let expected = Writer {
            commits_per_second: 10.0,
            posts_per_commit: Some(100.0),
            commit_mean_ms: Some(50.0),
            busy_share: 0.5,
        };
        assert_eq!(writer, expected);
    }

    #[test]
    fn an_idle_writer_has_no_mean() {
        let samples = [sample(5, 1, 1, 1), sample(5, 1, 1, 1)];
        assert_eq!(Writer::between(&samples), Writer::default());
        assert_eq!(Cpu::between(&samples), Cpu::default());
    }
}
