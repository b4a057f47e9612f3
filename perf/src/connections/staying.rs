//! Sessions that are there: they answer pings, and now and then one of them is sent a message.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

use super::opening::Session;
use crate::clock::{Clock, nanos};
use crate::figures::Latencies;
use crate::progress;
use crate::socket::Filled;

/// Between two messages.
const MESSAGE_EVERY: Duration = Duration::from_secs(1);
/// How long the last ones may take to arrive.
const SETTLE_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks whether they have.
const SETTLE_EVERY: Duration = Duration::from_millis(5);

/// What was seen while they stayed.
#[derive(Debug)]
pub(super) struct Stay {
    pub(super) deliveries: Latencies,
    pub(super) sent: u64,
    /// Sessions that ended.
    pub(super) lost: u64,
    pub(super) errors: BTreeMap<String, u64>,
}

/// Everybody is still there, at the end of the time.
#[derive(Debug)]
pub(super) struct Staying {
    listening: JoinSet<()>,
    stay: Rc<RefCell<Stay>>,
    _sender: Session,
}

impl Staying {
    /// They all go.
    pub(super) async fn end(mut self) -> Result<Stay, String> {
        self.listening.shutdown().await;
        let stay = Rc::into_inner(self.stay).ok_or("somebody still listens")?;
        Ok(stay.into_inner())
    }
}

impl Stay {
    fn errs(&mut self, what: String) {
        *self.errors.entry(what).or_default() += 1;
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Frame {
    Message {
        id: String,
        text: String,
    },
    Rejected {
        code: String,
    },
    Bye {
        code: u16,
    },
    #[serde(other)]
    Other,
}

/// Leaves them there for this long, and sends a message each second to one of them, in turn.
pub(super) async fn stay(
    mut sender: Session,
    sessions: Vec<Session>,
    time: Duration,
    clock: Clock,
) -> Staying {
    let stay = Rc::new(RefCell::new(Stay {
        deliveries: Latencies::new(),
        sent: 0,
        lost: 0,
        errors: BTreeMap::new(),
    }));
    let names: Vec<String> = sessions
        .iter()
        .map(|session| session.name.clone())
        .collect();
    let mut listening = JoinSet::new();
    for session in sessions {
        let stay = Rc::clone(&stay);
        listening.spawn_local(async move {
            let Err(why) = listen(session, &stay, clock).await;
            let mut stay = stay.borrow_mut();
            stay.lost += 1;
            stay.errs(format!("session: {why}"));
        });
    }
    let sending = send(&mut sender, &names, time, &stay, clock).await;
    if let Err(why) = sending {
        stay.borrow_mut()
            .errs(format!("the sender's session: {why}"));
    }
    settle(&stay, clock).await;
    Staying {
        listening,
        stay,
        _sender: sender,
    }
}

/// One message for each second, spread evenly over everybody.
async fn send(
    sender: &mut Session,
    names: &[String],
    time: Duration,
    stay: &RefCell<Stay>,
    clock: Clock,
) -> Result<(), String> {
    let count = time.as_secs() / MESSAGE_EVERY.as_secs();
    let begin = clock.nanos();
    let bar = progress::bar("staying", count);
    for turn in 0..count {
        let due = begin + turn * nanos(MESSAGE_EVERY);
        until(sender, due, stay, clock).await?;
        let place = turn as usize * names.len() / count as usize;
        if let Some(name) = names.get(place) {
            let key = format!("{}-{turn}", sender.name);
            let frame = json!({
                "type": "send", "to": name, "text": due.to_string(), "key": key, "ref": key,
            });
            sender.socket.queue(frame.to_string().as_bytes());
            stay.borrow_mut().sent += 1;
        }
        bar.inc(1);
    }
    until(sender, begin + nanos(time), stay, clock).await?;
    bar.finish_and_clear();
    Ok(())
}

/// Reads what the sender is told until this moment: answers, receipts, pings.
async fn until(
    sender: &mut Session,
    moment: u64,
    stay: &RefCell<Stay>,
    clock: Clock,
) -> Result<(), String> {
    let waiting = tokio::time::sleep_until(clock.moment(moment));
    tokio::pin!(waiting);
    loop {
        sender.socket.flush()?;
        tokio::select! {
            () = &mut waiting => return Ok(()),
            ready = sender.socket.ready() => {
                ready?;
                read(sender, stay, clock)?;
            }
        }
    }
}

/// Until the server ends it.
async fn listen(
    mut session: Session,
    stay: &RefCell<Stay>,
    clock: Clock,
) -> Result<std::convert::Infallible, String> {
    loop {
        session.socket.ready().await?;
        read(&mut session, stay, clock)?;
        session.socket.flush()?;
    }
}

/// Reads what is there, and confirms what is a message.
fn read(session: &mut Session, stay: &RefCell<Stay>, clock: Clock) -> Result<(), String> {
    if session.socket.fill()? == Filled::Nothing {
        return Ok(());
    }
    let now = clock.nanos();
    let mut confirmations = Vec::new();
    while let Some(text) = session.socket.next_text()? {
        let frame = serde_json::from_slice(text).map_err(|why| format!("a frame: {why}"))?;
        match frame {
            Frame::Message { id, text } => {
                arrived(&mut stay.borrow_mut(), &text, now);
                confirmations.push(json!({ "type": "ack", "id": id, "stage": "done" }));
            }
            Frame::Rejected { code } => stay.borrow_mut().errs(format!("rejected: {code}")),
            Frame::Bye { code } => return Err(format!("bye {code}")),
            Frame::Other => {}
        }
    }
    for confirmation in confirmations {
        session.socket.queue(confirmation.to_string().as_bytes());
    }
    Ok(())
}

fn arrived(stay: &mut Stay, text: &str, now: u64) {
    match text.parse::<u64>() {
        Ok(due) => stay.deliveries.record(now.saturating_sub(due)),
        Err(_) => stay.errs("flaw: a message that nobody sent".to_owned()),
    }
}

/// Waits for what is under way, and counts what does not come.
async fn settle(stay: &RefCell<Stay>, clock: Clock) {
    let until = clock.nanos() + nanos(SETTLE_WITHIN);
    let missing = || {
        let stay = stay.borrow();
        stay.sent.saturating_sub(stay.deliveries.count())
    };
    while missing() > 0 && clock.nanos() < until {
        tokio::time::sleep(SETTLE_EVERY).await;
    }
    let missing = missing();
    if missing > 0 {
        let what = "never delivered".to_owned();
        *stay.borrow_mut().errors.entry(what).or_default() += missing;
    }
}
