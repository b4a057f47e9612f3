//! Sessions are opened, several at a time, and each must be welcomed as who it is.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use agent_bridge::client::Token;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::args::Arrival;
use crate::clock::Clock;
use crate::figures::Latencies;
use crate::progress;
use crate::rooms::{DUE_MAX, Pacer, Window};
use crate::server::Server;
use crate::socket::Socket;

/// One that will come, with its token: making that is not part of what is measured.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) name: String,
    token: Token,
}

/// One that is there.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) socket: Socket,
}

/// All that came, or did not.
#[derive(Debug)]
pub(super) struct Opened {
    /// In the order in which they were welcomed.
    pub(super) sessions: Vec<Session>,
    pub(super) latencies: Latencies,
    pub(super) own_delay: Latencies,
    pub(super) errors: BTreeMap<String, u64>,
}

impl Guest {
    pub(super) fn new(server: &Server, name: String) -> Result<Self, String> {
        let token = server.token(&name)?;
        Ok(Self { name, token })
    }
}

/// Opens a session, which has been welcomed then.
pub(super) async fn open(server: SocketAddr, guest: &Guest) -> Result<Session, String> {
    let name = &guest.name;
    let mut socket = Socket::open(server, name, &guest.token).await?;
    socket.queue(json!({ "type": "hello" }).to_string().as_bytes());
    socket.flush()?;
    let welcome = socket.text().await?;
    welcomed(&welcome, name)?;
    let name = name.clone();
    Ok(Session { name, socket })
}

/// What is not the same for everybody is left out: errors of a kind are counted together.
fn welcomed(answer: &str, name: &str) -> Result<(), String> {
    let answer: Value = serde_json::from_str(answer).map_err(|why| format!("welcome: {why}"))?;
    match answer["type"].as_str() {
        Some("welcome") if answer["client"] == *name => Ok(()),
        Some("welcome") => Err("welcomed as somebody else".to_owned()),
        Some("rejected") => Err(format!("hello was rejected: {}", answer["code"])),
        Some("bye") => Err(format!("hello was answered by bye {}", answer["code"])),
        other => Err(format!("hello was answered by {other:?}")),
    }
}

/// What those who open share. They take turns on one thread.
struct Shared {
    server: SocketAddr,
    clock: Clock,
    opened: RefCell<Opened>,
    bar: ProgressBar,
}

impl Shared {
    async fn let_in(&self, guest: &Guest, due: u64) {
        let delay = self.clock.nanos().saturating_sub(due);
        let coming = open(self.server, guest).await;
        let now = self.clock.nanos();
        let mut opened = self.opened.borrow_mut();
        opened.own_delay.record(delay);
        match coming {
            Ok(session) => {
                opened.latencies.record(now.saturating_sub(due));
                opened.sessions.push(session);
            }
            Err(why) => *opened.errors.entry(format!("opening: {why}")).or_default() += 1,
        }
        self.bar.inc(1);
    }
}

/// Opens all. One that fails is counted, and not tried again.
pub(super) async fn open_all(
    server: SocketAddr,
    guests: Vec<Guest>,
    arrival: Arrival,
    clock: Clock,
) -> Result<Opened, String> {
    let shared = Rc::new(Shared {
        server,
        clock,
        opened: RefCell::new(Opened {
            sessions: Vec::with_capacity(guests.len()),
            latencies: Latencies::new(),
            own_delay: Latencies::new(),
            errors: BTreeMap::new(),
        }),
        bar: progress::bar("opening", guests.len() as u64),
    });
    match arrival {
        Arrival::Closed { at_once } => some_at_once(&shared, guests, at_once).await?,
        Arrival::Open {
            sessions_per_second,
        } => at_a_rate(&shared, guests, sessions_per_second).await?,
    }
    shared.bar.finish_and_clear();
    let shared = Rc::into_inner(shared).ok_or("somebody still opens sessions")?;
    Ok(shared.opened.into_inner())
}

/// Whoever has let one in takes the next.
async fn some_at_once(
    shared: &Rc<Shared>,
    guests: Vec<Guest>,
    at_once: usize,
) -> Result<(), String> {
    let guests = Rc::new(RefCell::new(guests.into_iter()));
    let mut doors = JoinSet::new();
    for _ in 0..at_once {
        let (shared, guests) = (Rc::clone(shared), Rc::clone(&guests));
        doors.spawn_local(async move {
            loop {
                let next = guests.borrow_mut().next();
                let Some(guest) = next else { return };
                shared.let_in(&guest, shared.clock.nanos()).await;
            }
        });
    }
    ended(doors).await
}

async fn at_a_rate(shared: &Rc<Shared>, guests: Vec<Guest>, rate: u32) -> Result<(), String> {
    let (door, mut dues) = mpsc::channel(DUE_MAX);
    let span = span_of(shared.clock.nanos(), guests.len() as u64, rate);
    let _pacer = Pacer::start(shared.clock, span, rate, vec![door])
        .map_err(|why| format!("the pacer does not start: {why}"))?;
    let mut coming = JoinSet::new();
    for guest in guests {
        let due = dues.recv().await.ok_or("the pacer ended too early")?;
        let shared = Rc::clone(shared);
        coming.spawn_local(async move { shared.let_in(&guest, due).await });
    }
    ended(coming).await
}

/// From the first to just behind the last of so many moments.
fn span_of(begin: u64, count: u64, rate: u32) -> Window {
    const SECOND: u64 = 1_000_000_000;
    let last = count.saturating_sub(1) * SECOND / u64::from(rate);
    let end = begin + last + 1;
    Window { begin, end }
}

async fn ended(mut tasks: JoinSet<()>) -> Result<(), String> {
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|why| format!("a client failed: {why}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ones_own_welcome_is_good() {
        let welcome = r#"{"type":"welcome","client":"ann","session":"ses_1"}"#;
        assert_eq!(welcomed(welcome, "ann"), Ok(()));
        for (answer, why) in [
            (welcome, "somebody else"),
            (r#"{"type":"bye","code":4005,"reason":"full"}"#, "bye 4005"),
            (r#"{"type":"rejected","code":"busy"}"#, "busy"),
            (r#"{"type":"pong"}"#, "pong"),
            ("nonsense", "welcome: "),
        ] {
            let said = welcomed(answer, "bob").expect_err("no welcome");
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn a_span_holds_so_many_moments() {
        for (count, rate) in [(1, 1), (10, 3), (9_000, 777), (5, 1_000_000)] {
            let span = span_of(77, count, rate);
            assert_eq!(crate::rooms::due(span, span, rate), count, "{count} {rate}");
        }
    }
}
