//! One run: everybody takes a seat, posts for a while, and is asked what it saw.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::args::{Drive, Load};
use super::ledger::Ledger;
use super::member::{Member, Occasion, Seat, Shared};
use super::outcome::Outcome;
use super::pace::{DUE_MAX, Pacer};
use super::tally::{Tally, Window};
use crate::clock::{Clock, nanos};
use crate::machine::Disk;
use crate::procfs::{MachineCpu, ProcessCpu};
use crate::server::{LogStats, Server};
use crate::socket::Socket;

/// From the last seat taken to the first post.
const LEAD: Duration = Duration::from_millis(50);
/// How long what is under way at the end may take to arrive.
const SETTLE_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks whether everything has arrived.
const SETTLE_EVERY: Duration = Duration::from_millis(5);
/// Between two steps of the progress bar.
const STEP: Duration = Duration::from_millis(200);

/// What everybody has used and done until a moment.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) at: u64,
    pub(super) log: LogStats,
    pub(super) server: Option<ProcessCpu>,
    pub(super) client: Option<ProcessCpu>,
    pub(super) machine: Option<MachineCpu>,
}

/// Everybody at their seats, before the first post.
struct Seated {
    sockets: Vec<(Seat, Socket)>,
    ledgers: Vec<Ledger>,
}

/// Measures once.
pub(super) async fn measure(
    server: &Server,
    load: &Load,
    disk: Disk,
    number: u32,
) -> Result<Outcome, String> {
    let clock = Clock::start();
    let seated = take_seats(server, load, number).await?;
    let start = clock.nanos() + nanos(LEAD);
    let begin = start + nanos(Duration::from_secs(load.warm_up_seconds.into()));
    let end = begin + nanos(Duration::from_secs(load.seconds.into()));
    let window = Window { begin, end };
    let shared = Rc::new(Shared {
        clock,
        text_bytes: load.text_bytes,
        ledgers: RefCell::new(seated.ledgers),
        tally: RefCell::new(Tally::new(window)),
    });
    let whole = Window { begin: start, end };
    let samples = LocalSet::new()
        .run_until(async {
            let mut tasks = JoinSet::new();
            let _pacer = set_to_work(&mut tasks, seated.sockets, &shared, load.drive, whole)?;
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
    tally.errs("never answered", unanswered);
    tally.errs("acknowledged, but not delivered to all", undelivered);
    Ok(Outcome::new(
        &tally,
        &samples,
        disk,
        load,
        server.complaints(),
    ))
}

fn set_to_work(
    tasks: &mut JoinSet<()>,
    sockets: Vec<(Seat, Socket)>,
    shared: &Rc<Shared>,
    drive: Drive,
    whole: Window,
) -> Result<Option<Pacer>, String> {
    let mut clients = Vec::new();
    for (seat, socket) in sockets {
        let member = Member {
            socket,
            seat,
            shared: Rc::clone(shared),
            frame: Vec::new(),
            silent_until: 0,
        };
        let occasion = match drive {
            Drive::Closed { in_flight } => Occasion::Room(in_flight),
            Drive::Open { .. } => {
                let (client, dues) = mpsc::channel(DUE_MAX);
                clients.push(client);
                Occasion::Due(dues)
            }
        };
        tasks.spawn_local(member.work(occasion));
    }
    let Drive::Open { posts_per_second } = drive else {
        return Ok(None);
    };
    Pacer::start(shared.clock, whole, posts_per_second, clients)
        .map(Some)
        .map_err(|why| format!("the pacer does not start: {why}"))
}

async fn sample(server: &Server, clock: Clock) -> Result<Sample, String> {
    let asked = clock.nanos();
    let log = server.stats().await?;
    let answered = clock.nanos();
    Ok(Sample {
        at: asked.midpoint(answered),
        log,
        server: server.pid().and_then(ProcessCpu::of),
        client: ProcessCpu::of(std::process::id()),
        machine: MachineCpu::now(),
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
fn progress(whole: Window) -> ProgressBar {
    let bar = ProgressBar::new(whole.nanos() / 1_000_000);
    let style = ProgressStyle::with_template("{bar:40} {elapsed} of the run");
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

async fn wait(clock: Clock, moment: u64, bar: &ProgressBar, whole: Window) {
    let mut next = clock.nanos();
    while next < moment {
        next = moment.min(next + nanos(STEP));
        tokio::time::sleep_until(clock.moment(next)).await;
        bar.set_position(clock.nanos().saturating_sub(whole.begin) / 1_000_000);
    }
}

/// Opens all sessions; then the first of each room makes it, and the others join.
async fn take_seats(server: &Server, load: &Load, number: u32) -> Result<Seated, String> {
    // Names of their own, so that a server that runs already can be measured again and again.
    let tag = format!("{}-{number}", std::process::id());
    let names: Vec<String> = (0..load.clients)
        .map(|client| format!("perf-{tag}-{client}"))
        .collect();
    let mut sockets = open_all(server, &names, number).await?;
    let size = load.members_per_room();
    let mut seats = Vec::new();
    let mut ledgers = Vec::new();
    for (room, names) in names.chunks(size).enumerate() {
        let room_name: Rc<str> = format!("perf-{tag}-room-{room}").into();
        let names: Rc<[String]> = names.into();
        let mut ledger = Ledger::new(size);
        for member in 0..size {
            let socket = &mut sockets[room * size + member];
            ledger.live(member, enter(socket, &room_name, member == 0).await?);
            seats.push(Seat {
                room,
                room_name: Rc::clone(&room_name),
                member,
                names: Rc::clone(&names),
            });
        }
        ledgers.push(ledger);
    }
    let sockets = seats.into_iter().zip(sockets).collect();
    Ok(Seated { sockets, ledgers })
}

/// Opens the sessions in a shuffled order. A server deals connections to its threads in turn, and
/// may keep a room where its first member is; in order, all first members would be on one thread.
async fn open_all(server: &Server, names: &[String], seed: u32) -> Result<Vec<Socket>, String> {
    let mut sockets = Vec::new();
    for client in shuffled(names.len(), seed) {
        let name = &names[client];
        let token = server.token(name)?;
        let mut socket = Socket::open(server.socket, name, &token).await?;
        ask(&mut socket, &json!({ "type": "hello" }), "welcome").await?;
        sockets.push((client, socket));
    }
    sockets.sort_by_key(|(client, _)| *client);
    Ok(sockets.into_iter().map(|(_, socket)| socket).collect())
}

/// The numbers below this one in an order that only depends on the seed (xorshift64, and the sort
/// of who draws what).
fn shuffled(count: usize, seed: u32) -> Vec<usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ u64::from(seed).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut drawn: Vec<(u64, usize)> = (0..count).map(|number| (draw(), number)).collect();
    drawn.sort_unstable();
    drawn.into_iter().map(|(_, number)| number).collect()
}

/// Makes or joins a room; everything after the returned seq comes to the session.
async fn enter(socket: &mut Socket, room: &str, is_first: bool) -> Result<u64, String> {
    let (request, answer, seq) = match is_first {
        true => ("create_room", "event", "seq"),
        false => ("join", "joined", "head"),
    };
    let frame = json!({ "type": request, "room": room, "ref": ENTRY, "key": ENTRY });
    let answer = ask(socket, &frame, answer).await?;
    let head = answer[seq].as_u64();
    head.ok_or_else(|| format!("{request} was answered without {seq}"))
}

const ENTRY: &str = "entry";

/// Sends a request and waits for its answer; what comes before it concerns nobody yet.
async fn ask(socket: &mut Socket, frame: &Value, answer: &str) -> Result<Value, String> {
    socket.queue(frame.to_string().as_bytes());
    socket.flush()?;
    loop {
        let text = socket.text().await?;
        let value: Value =
            serde_json::from_str(&text).map_err(|why| format!("the server's answer: {why}"))?;
        let kind = value["type"].as_str().unwrap_or_default();
        if matches!(kind, "rejected" | "bye") {
            return Err(format!("{} was answered by {text}", frame["type"]));
        }
        if kind == answer && value["ref"] == frame["ref"] {
            return Ok(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_has_everybody_once_and_is_the_same_again() {
        for count in [0, 1, 2, 100] {
            let mut order = shuffled(count, 7);
            assert_eq!(order, shuffled(count, 7));
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count));
        }
        assert_ne!(shuffled(100, 1), shuffled(100, 2));
        let firsts = shuffled(100, 1).into_iter().enumerate();
        let on_one_thread = firsts
            .filter(|(turn, client)| client % 2 == 0 && turn % 2 == 0)
            .count();
        assert!((15..=35).contains(&on_one_thread), "{on_one_thread}");
    }
}
