//! One run: everybody takes a seat, posts for a while, and is asked what it saw.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::ledger::Ledger;
use super::load::{Drive, Load};
use super::member::{Member, Occasion, Seat, Shared};
use super::outcome::Outcome;
use super::pace::{self, DUE_MAX, Pacer};
use super::seats::{Rooms, take_seats};
use super::tally::{Tally, Window};
use crate::clock::{Clock, nanos};
use crate::machine::Disk;
use crate::procfs::{MachineCpu, ProcessCpu};
use crate::server::{LogStats, Server};
use crate::socket::Socket;

/// From the last seat taken to the first post.
pub(crate) const LEAD: Duration = Duration::from_millis(50);
/// How long what is under way at the end may take to arrive.
pub(crate) const SETTLE_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks whether everything has arrived.
pub(crate) const SETTLE_EVERY: Duration = Duration::from_millis(5);
/// Between two steps of the progress bar.
const STEP: Duration = Duration::from_millis(200);

/// What everybody has used and done until a moment.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// When the processor times were read.
    pub(super) at: u64,
    /// When the log's statistics were told: the answer may take a while among all others.
    pub(super) log_at: u64,
    pub(super) log: LogStats,
    pub(super) server: Option<ProcessCpu>,
    pub(super) client: Option<ProcessCpu>,
    pub(super) machine: Option<MachineCpu>,
}

/// Measures once.
pub(crate) async fn measure(
    server: &Server,
    load: &Load,
    rooms: Rooms<'_>,
    disk: Disk,
    number: u32,
) -> Result<Outcome, String> {
    let clock = Clock::start();
    let seated = take_seats(server, &load.crowd, rooms, number).await?;
    let start = clock.nanos() + nanos(LEAD);
    let begin = start + nanos(Duration::from_secs(load.warm_up_seconds.into()));
    let end = begin + nanos(Duration::from_secs(load.seconds.into()));
    let window = Window { begin, end };
    let shared = Rc::new(Shared {
        clock,
        text_bytes: load.text_bytes,
        echoes: RefCell::new(seated.ledgers.iter().map(Ledger::echo).collect()),
        ledgers: RefCell::new(seated.ledgers),
        tally: RefCell::new(Tally::new(window)),
    });
    let whole = Window { begin: start, end };
    let samples = LocalSet::new()
        .run_until(async {
            let mut tasks = JoinSet::new();
            let _pacer = set_to_work(&mut tasks, seated.sockets, &shared, load, whole)?;
            let bar = progress(whole);
            wait(clock, window.begin, &bar, whole).await;
            let first = sample(server, clock).await?;
            wait(clock, window.end, &bar, whole).await;
            let last = sample(server, clock).await?;
            bar.finish_and_clear();
            settle(&shared, &tasks).await;
            Ok::<_, String>([first, last])
        })
        .await?;
    let mut tally = shared.tally.borrow_mut();
    tally.close();
    let ledgers = shared.ledgers.borrow();
    let unanswered = ledgers.iter().map(Ledger::unanswered).sum();
    let undelivered = ledgers.iter().map(Ledger::undelivered).sum();
    if let Drive::Open { posts_per_second } = load.drive {
        tally.due = pace::due(whole, window, posts_per_second);
    }
    tally.errs("never answered", unanswered);
    tally.errs("acknowledged, but not delivered to all", undelivered);
    Ok(Outcome::new(&tally, &samples, disk, server.complaints()))
}

fn set_to_work(
    tasks: &mut JoinSet<()>,
    sockets: Vec<(Seat, Socket)>,
    shared: &Rc<Shared>,
    load: &Load,
    whole: Window,
) -> Result<Option<Pacer>, String> {
    let mut clients = Vec::new();
    for (seat, socket) in sockets {
        let is_publisher = seat.member < load.crowd.publishers_per_room;
        let member = Member {
            socket,
            seat,
            shared: Rc::clone(shared),
            frame: Vec::new(),
            silent_until: 0,
        };
        let occasion = match load.drive {
            _ if !is_publisher => Occasion::Never,
            Drive::Closed { in_flight } => Occasion::Room(in_flight),
            Drive::Open { .. } => {
                let (client, dues) = mpsc::channel(DUE_MAX);
                clients.push(client);
                Occasion::Due(dues)
            }
        };
        tasks.spawn_local(member.work(occasion));
    }
    let Drive::Open { posts_per_second } = load.drive else {
        return Ok(None);
    };
    Pacer::start(shared.clock, whole, posts_per_second, clients)
        .map(Some)
        .map_err(|why| format!("the pacer does not start: {why}"))
}

pub(crate) async fn sample(server: &Server, clock: Clock) -> Result<Sample, String> {
    let at = clock.nanos();
    let processes = [server.pid(), Some(std::process::id())];
    let [server_cpu, client] = processes.map(|pid| pid.and_then(ProcessCpu::of));
    let machine = MachineCpu::now();
    let log = server.stats().await?;
    Ok(Sample {
        at,
        log_at: at.midpoint(clock.nanos()),
        log,
        server: server_cpu,
        client,
        machine,
    })
}

/// Waits until everything that was posted has arrived everywhere, or clearly does not.
async fn settle(shared: &Shared, tasks: &JoinSet<()>) {
    let until = shared.clock.nanos() + nanos(SETTLE_WITHIN);
    while shared.clock.nanos() < until && !tasks.is_empty() {
        if shared.ledgers.borrow().iter().all(Ledger::is_settled) {
            return;
        }
        tokio::time::sleep(SETTLE_EVERY).await;
    }
}

/// A bar on a terminal; nothing elsewhere.
pub(crate) fn progress(whole: Window) -> ProgressBar {
    let bar = ProgressBar::new(whole.nanos() / 1_000_000);
    let style = ProgressStyle::with_template("{bar:40} {elapsed} of the run");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

pub(crate) async fn wait(clock: Clock, moment: u64, bar: &ProgressBar, whole: Window) {
    let mut next = clock.nanos();
    while next < moment {
        next = moment.min(next + nanos(STEP));
        tokio::time::sleep_until(clock.moment(next)).await;
        bar.set_position(clock.nanos().saturating_sub(whole.begin) / 1_000_000);
    }
}
