//! Many sessions that come close together, and stay: how long each waits for its welcome, and what it
//! costs when it is there.

mod args;
mod opening;
mod report;
mod staying;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::task::LocalSet;

use crate::clock::Clock;
use crate::conditions::Conditions;
use crate::descriptors;
use crate::figures::{Quantiles, ratio};
use crate::machine::Disk;
use crate::procfs::{self, ProcessCpu};
use crate::server::{Complaints, Server};

pub(crate) use args::ConnectionsArgs;
use args::Load;
use opening::{Guest, Opened};
use staying::Stay;

/// Who sends to the sessions that stay.
const SENDER: &str = "sender";
/// Sessions beside those that are counted.
const SPARE_SESSIONS: usize = 10;

/// Everything that stands in the JSON of one measurement.
#[derive(Debug, Serialize)]
struct Measurement {
    scenario: &'static str,
    conditions: Conditions,
    disk: Disk,
    load: Load,
    /// From the first byte, or from when it was due, to the welcome.
    opening: Quantiles,
    /// How late this program itself was, when the sessions had a rate.
    own_delay: Quantiles,
    opened: u64,
    opened_per_second: Option<f64>,
    /// Of those that were asked for.
    success_rate: Option<f64>,
    /// From a message to one that stays until it is there.
    delivery: Quantiles,
    sent: u64,
    delivered: u64,
    /// Sessions that did not last.
    lost: u64,
    memory_before_kib: Option<u64>,
    memory_after_kib: Option<u64>,
    bytes_per_session: Option<f64>,
    while_opening: Used,
    while_staying: Used,
    errors: BTreeMap<String, u64>,
    complaints: Complaints,
}

/// Of how many cores something had the use. What the system does not tell is none.
#[derive(Debug, Clone, Copy, Serialize)]
struct Used {
    seconds: f64,
    server_cores: Option<f64>,
    client_cores: Option<f64>,
}

/// What server and client have used until a moment.
#[derive(Debug)]
struct Usage {
    at: u64,
    server: Option<f64>,
    client: Option<f64>,
}

impl Usage {
    fn now(server: &Server, clock: Clock) -> Self {
        let busy = |pid| ProcessCpu::of(pid).map(|used| used.total().busy());
        Self {
            at: clock.nanos(),
            server: server.pid().and_then(busy),
            client: busy(std::process::id()),
        }
    }

    fn since(&self, earlier: &Self) -> Used {
        let seconds = self.at.saturating_sub(earlier.at) as f64 / 1e9;
        let cores = |now: Option<f64>, earlier: Option<f64>| ratio(now? - earlier?, seconds);
        Used {
            seconds,
            server_cores: cores(self.server, earlier.server),
            client_cores: cores(self.client, earlier.client),
        }
    }
}

/// Does what the command line says.
pub(crate) async fn run(args: ConnectionsArgs) -> Result<(), String> {
    let load = args.load();
    descriptors::raise();
    descriptors::suffice(load.sessions, args.target.is_own())?;
    let server = args.target.start(load.sessions + SPARE_SESSIONS)?;
    let conditions = args.target.conditions(&server).await?;
    let disk = Disk::measure(&server.data_dir)?;
    report::conditions(&conditions, &disk, &load);
    let measured = LocalSet::new().run_until(measure(&server, &load)).await?;
    let measurement = measured.into_measurement(conditions, disk, load, server.complaints());
    report::measurement(&measurement);
    args.target.keep(&measurement)
}

/// What was found, before it is put into words.
struct Measured {
    opened: Opened,
    stay: Stay,
    memory_before_kib: Option<u64>,
    memory_after_kib: Option<u64>,
    while_opening: Used,
    while_staying: Used,
}

async fn measure(server: &Server, load: &Load) -> Result<Measured, String> {
    let clock = Clock::start();
    let tag = std::process::id();
    let guest = |name: &str| Guest::new(server, format!("perf-{tag}-{name}"));
    // What the server takes for its first session is not of each.
    let sender = opening::open(server.socket, &guest(SENDER)?).await?;
    let guests = (0..load.sessions).map(|number| guest(&number.to_string()));
    let guests = guests.collect::<Result<Vec<_>, _>>()?;
    let memory = || server.pid().and_then(procfs::resident_kib);
    let memory_before_kib = memory();
    let begin = Usage::now(server, clock);
    let mut opened = opening::open_all(server.socket, guests, load.arrival, clock).await?;
    let open = Usage::now(server, clock);
    let sessions = std::mem::take(&mut opened.sessions);
    let time = Duration::from_secs(load.seconds.into());
    let staying = staying::stay(sender, sessions, time, clock).await;
    // Before they go: that would be work, and would free memory.
    let (end, memory_after_kib) = (Usage::now(server, clock), memory());
    Ok(Measured {
        opened,
        stay: staying.end().await?,
        memory_before_kib,
        memory_after_kib,
        while_opening: open.since(&begin),
        while_staying: end.since(&open),
    })
}

impl Measured {
    fn into_measurement(
        self,
        conditions: Conditions,
        disk: Disk,
        load: Load,
        complaints: Complaints,
    ) -> Measurement {
        let memory = self.memory_before_kib.zip(self.memory_after_kib);
        let grown = memory.map(|(before, after)| after.saturating_sub(before) as f64 * 1024.0);
        let opened = self.opened.latencies.count();
        let mut errors = self.opened.errors;
        for (what, times) in self.stay.errors {
            *errors.entry(what).or_default() += times;
        }
        Measurement {
            scenario: "connections",
            conditions,
            disk,
            opening: self.opened.latencies.quantiles(),
            own_delay: self.opened.own_delay.quantiles(),
            opened,
            opened_per_second: ratio(opened as f64, self.while_opening.seconds),
            success_rate: ratio(opened as f64, load.sessions as f64),
            delivery: self.stay.deliveries.quantiles(),
            sent: self.stay.sent,
            delivered: self.stay.deliveries.count(),
            lost: self.stay.lost,
            memory_before_kib: self.memory_before_kib,
            memory_after_kib: self.memory_after_kib,
            bytes_per_session: grown.and_then(|grown| ratio(grown, opened as f64)),
            while_opening: self.while_opening,
            while_staying: self.while_staying,
            errors,
            complaints,
            load,
        }
    }
}
