//! A client that sends by requests, one after the other on each of its connections.

use std::rc::Rc;

use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;

use super::message::{self, Verdict};
use super::shared::Shared;
use crate::http::{Caller, Connection};
use crate::rooms::pause;

const PATH: &str = "/v1/messages";
/// Nanoseconds after a request without an answer. When nobody is there any more, asking again at once
/// would only count the same error ever faster.
const PAUSE_WHEN_LOST: u64 = 100_000_000;

/// One client.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    /// Its place in the ring.
    pub(super) client: usize,
    pub(super) caller: Caller,
    pub(super) shared: Rc<Shared>,
}

impl Sender {
    /// Sends the next message when the one before was answered, on this connection.
    pub(super) async fn closed_loop(self, mut connection: Connection) {
        let clock = self.shared.clock;
        loop {
            let now = clock.nanos();
            if !self.shared.is_on(now) {
                return;
            }
            let silent = self.send(&mut connection, now).await;
            if silent > 0 {
                tokio::time::sleep_until(clock.moment(clock.nanos() + silent)).await;
            }
        }
    }

    /// Sends what is due on a connection that is free, of which there are at most so many.
    pub(super) async fn open_loop(
        self,
        mut free: Vec<Connection>,
        mut dues: Receiver<u64>,
        connections_max: usize,
    ) {
        let mut busy: JoinSet<Connection> = JoinSet::new();
        loop {
            let has_way = !free.is_empty() || busy.len() < connections_max;
            tokio::select! {
                Some(done) = busy.join_next() => match done {
                    Ok(connection) => free.push(connection),
                    Err(why) => {
                        let what = format!("a client failed: {why}");
                        self.shared.tally.borrow_mut().errs(&what, 1);
                    }
                },
                Some(due) = dues.recv(), if has_way => {
                    // The one that was used last: the others may end, as they would elsewhere.
                    let mut connection = free
                        .pop()
                        .unwrap_or_else(|| Connection::new(self.caller.clone()));
                    let sender = self.clone();
                    busy.spawn_local(async move {
                        sender.send(&mut connection, due).await;
                        connection
                    });
                }
                else => return,
            }
        }
    }

    /// Sends a message and hears what became of it. For how long the server is then to be left alone,
    /// in nanoseconds.
    async fn send(&self, connection: &mut Connection, due: u64) -> u64 {
        let shared = &self.shared;
        let stamp = shared.sends(self.client, due, shared.clock.nanos());
        let number = stamp.number;
        let key = shared.key(self.client, number);
        let body = message::body(shared.next(self.client), stamp, shared.text_bytes);
        let answer = match connection.post(PATH, &key, body).await {
            Ok(answer) => answer,
            Err(why) => {
                shared.loses(self.client, number, &why);
                return PAUSE_WHEN_LOST;
            }
        };
        let now = shared.clock.nanos();
        match message::verdict(answer.status, &answer.body) {
            Ok(Verdict::Stored { duplicate }) => {
                shared.stores(self.client, Some(number), duplicate, now);
                0
            }
            Ok(Verdict::Refused(why)) => {
                let what = format!("{} {}", answer.status, why.code);
                shared.refuses(self.client, number, &what, &why.code);
                pause(&why, self.client)
            }
            Err(why) => {
                shared.loses(self.client, number, &why);
                PAUSE_WHEN_LOST
            }
        }
    }
}
