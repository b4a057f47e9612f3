//! One run: everybody comes, sends for a while, and is asked what it saw.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};

use super::args::{Load, Over};
use super::flow::Flow;
use super::rest::Sender;
use super::session::{Occasion, Session};
use super::shared::Shared;
use crate::clock::{Clock, nanos};
use crate::http::{Caller, Connection};
use crate::machine::Disk;
use crate::rooms::{
    self, DUE_MAX, Drive, LEAD, Outcome, Pacer, SETTLE_EVERY, SETTLE_WITHIN, Tally, Window,
};
use crate::server::Server;
use crate::socket::Socket;

/// Measures once.
pub(super) async fn measure(
    server: &Server,
    load: &Load,
    disk: Disk,
    number: u32,
) -> Result<Outcome, String> {
    // Names of their own, so that a server that runs already can be measured again and again.
    let tag = format!("{}-{number}", std::process::id());
    let names: Vec<String> = (0..load.clients)
        .map(|client| format!("perf-{tag}-{client}"))
        .collect();
    LocalSet::new()
        .run_until(async {
            let sockets = rooms::open_all(server, &names, number).await?;
            measure_with(server, load, disk, names, sockets).await
        })
        .await
}

async fn measure_with(
    server: &Server,
    load: &Load,
    disk: Disk,
    names: Vec<String>,
    sockets: Vec<Socket>,
) -> Result<Outcome, String> {
    let clock = Clock::start();
    let callers = callers(server, load, &names)?;
    let mut connections = Vec::new();
    for caller in &callers {
        connections.push(connect(caller, load).await?);
    }
    let start = clock.nanos() + nanos(LEAD);
    let begin = start + nanos(Duration::from_secs(load.warm_up_seconds.into()));
    let end = begin + nanos(Duration::from_secs(load.seconds.into()));
    let (window, whole) = (Window { begin, end }, Window { begin: start, end });
    let shared = Rc::new(Shared {
        clock,
        text_bytes: load.text_bytes,
        flows: RefCell::new(names.iter().map(|_| Flow::default()).collect()),
        names,
        tally: RefCell::new(Tally::new(window)),
    });
    let mut at_work = AtWork {
        tasks: JoinSet::new(),
        dues: Vec::new(),
        shared: Rc::clone(&shared),
        load,
    };
    for (client, socket) in sockets.into_iter().enumerate() {
        at_work.session(client, socket);
    }
    for (client, (caller, connections)) in callers.into_iter().zip(connections).enumerate() {
        at_work.sender(client, caller, connections);
    }
    let AtWork { tasks, dues, .. } = at_work;
    let _pacer = match load.drive {
        Drive::Closed { .. } => None,
        Drive::Open { posts_per_second } => {
            shared.tally.borrow_mut().due = rooms::due(whole, window, posts_per_second);
            let pacer = Pacer::start(clock, whole, posts_per_second, dues);
            Some(pacer.map_err(|why| format!("the pacer does not start: {why}"))?)
        }
    };
    let bar = rooms::progress(whole);
    rooms::wait(clock, window.begin, &bar, whole).await;
    let first = rooms::sample(server, clock).await?;
    rooms::wait(clock, window.end, &bar, whole).await;
    let last = rooms::sample(server, clock).await?;
    bar.finish_and_clear();
    settle(&shared, &tasks).await;
    shared.close();
    let tally = shared.tally.borrow();
    let complaints = server.complaints();
    Ok(Outcome::new(&tally, &[first, last], disk, complaints))
}

/// Those who send by requests.
fn callers(server: &Server, load: &Load, names: &[String]) -> Result<Vec<Caller>, String> {
    match load.over {
        Over::Websocket => Ok(Vec::new()),
        Over::Rest => {
            let each = names.iter();
            let caller = |name: &String| Caller::new(server.socket, &server.token(name)?);
            each.map(caller).collect()
        }
    }
}

/// The connections that a client begins with: in an open loop others follow when they are needed.
async fn connect(caller: &Caller, load: &Load) -> Result<Vec<Connection>, String> {
    let count = match load.drive {
        Drive::Closed { .. } => load.connections_each(),
        Drive::Open { .. } => 1,
    };
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        let mut connection = Connection::new(caller.clone());
        connection.open().await?;
        connections.push(connection);
    }
    Ok(connections)
}

/// Everybody at work.
struct AtWork<'a> {
    tasks: JoinSet<()>,
    /// Of each client, in an open loop.
    dues: Vec<mpsc::Sender<u64>>,
    shared: Rc<Shared>,
    load: &'a Load,
}

impl AtWork<'_> {
    fn due(&mut self) -> mpsc::Receiver<u64> {
        let (client, dues) = mpsc::channel(DUE_MAX);
        self.dues.push(client);
        dues
    }

    fn session(&mut self, client: usize, socket: Socket) {
        let occasion = match (self.load.over, self.load.drive) {
            (Over::Rest, _) => Occasion::Never,
            (Over::Websocket, Drive::Closed { in_flight }) => Occasion::Room(in_flight),
            (Over::Websocket, Drive::Open { .. }) => Occasion::Due(self.due()),
        };
        let session = Session::new(client, socket, Rc::clone(&self.shared));
        self.tasks.spawn_local(session.work(occasion));
    }

    fn sender(&mut self, client: usize, caller: Caller, connections: Vec<Connection>) {
        let sender = Sender {
            client,
            caller,
            shared: Rc::clone(&self.shared),
        };
        match self.load.drive {
            Drive::Closed { .. } => {
                for connection in connections {
                    let sender = sender.clone();
                    self.tasks.spawn_local(sender.closed_loop(connection));
                }
            }
            Drive::Open { .. } => {
                let (dues, max) = (self.due(), self.load.connections_each());
                let at_work = sender.open_loop(connections, dues, max);
                self.tasks.spawn_local(at_work);
            }
        }
    }
}

/// Waits until everything that was sent is answered, has arrived and is done with, or clearly is not.
async fn settle(shared: &Shared, tasks: &JoinSet<()>) {
    let until = shared.clock.nanos() + nanos(SETTLE_WITHIN);
    while shared.clock.nanos() < until && !tasks.is_empty() && !shared.is_settled() {
        tokio::time::sleep(SETTLE_EVERY).await;
    }
}
