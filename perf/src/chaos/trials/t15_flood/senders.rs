//! The flood, and the trickle beside it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::inbox::{Inbox, URGENT};
use crate::chaos::mail::Mailer;
use crate::chaos::peer::Peer;

/// Messages of one sender that it does not know to be stored yet. Few: the server is not what is to
/// have too much to do, but the receivers.
const IN_FLIGHT: u64 = 4;

/// Sends as fast as the server takes it until the receiver has so many before it, and keeps it there.
/// At this priority, while `on` says so.
pub(super) async fn flood(
    mailer: Mailer,
    to: Arc<Inbox>,
    priority: u8,
    backlog: i64,
    mut on: watch::Receiver<Flow>,
) -> Result<(), String> {
    let mut peer = mailer.silent().await?;
    let mut number = 0;
    loop {
        let flow = *on.borrow_and_update();
        match flow {
            Flow::Over => return Ok(()),
            Flow::Off => {
                drop(on.changed().await);
                continue;
            }
            Flow::On => {}
        }
        // So that the server keeps the session, whoever waits here.
        tokio::select! {
            () = to.until_less_than(backlog) => {}
            changed = on.changed() => {
                drop(changed);
                continue;
            }
            came = peer.came() => {
                drop(came?);
                continue;
            }
        }
        let first = number;
        let many = u64::try_from(backlog - to.backlog()).unwrap_or_default();
        let mut known = 0;
        while known < many {
            while number - first < many && number - first < known + IN_FLIGHT {
                send(&mut peer, &to, number, priority);
                number += 1;
            }
            known += u64::from(answered(&mut peer, &to).await?);
        }
    }
}

/// Whether the flood flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Off,
    On,
    Over,
}

/// One urgent message after the other, at a steady pace.
pub(super) async fn trickle(
    mailer: Mailer,
    to: Arc<Inbox>,
    priority: u8,
    every: Duration,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), String> {
    let mut peer = mailer.silent().await?;
    let mut pace = interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut number, mut open) = (URGENT, 0_u64);
    loop {
        tokio::select! {
            _ = pace.tick() => {
                send(&mut peer, &to, number, priority);
                peer.flush().await?;
                (number, open) = (number + 1, open + 1);
            }
            known = answered(&mut peer, &to), if open > 0 => open -= u64::from(known?),
            changed = stopping.changed() => if changed.is_err() || *stopping.borrow() {
                break;
            },
        }
    }
    while open > 0 {
        open -= u64::from(answered(&mut peer, &to).await?);
    }
    Ok(())
}

fn send(peer: &mut Peer, to: &Inbox, number: u64, priority: u8) {
    to.sending(number);
    peer.queue(&json!({
        "type": "send", "to": to.name, "text": number.to_string(), "ref": number.to_string(),
        "priority": priority, "keep": true,
    }));
}

/// Hears that a message is stored.
async fn answered(peer: &mut Peer, to: &Inbox) -> Result<bool, String> {
    let frame = peer.came().await?;
    if frame["type"] == "rejected" {
        return Err(format!("a message was refused: {frame}"));
    }
    let number = frame["ref"].as_str().and_then(|word| word.parse().ok());
    if let Some(number) = number {
        to.stored(number);
    }
    Ok(number.is_some())
}
