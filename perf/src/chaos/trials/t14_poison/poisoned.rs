//! Who cannot bear some of its messages.

use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::chaos::mail::Mailer;

pub(super) const POISON: &str = "poison";
pub(super) const INNOCENT: &str = "innocent";
/// Before it comes back, when the server had no room for it.
const COMES_BACK_AFTER: Duration = Duration::from_millis(20);

/// The name of one of them. Every second one says that it failed; the others die of it.
pub(super) fn name(number: u64) -> String {
    format!("victim-{number}")
}

/// Works on one message after the other. Poison makes it fail, or cuts its connection; then it comes
/// back. Returns how often it was poisoned.
pub(super) async fn suffer(
    mailer: Mailer,
    dies_of_it: bool,
    stopping: watch::Receiver<bool>,
) -> Result<u64, String> {
    let mut times = 0;
    let mut over = stopping;
    loop {
        let mut peer = match mailer.session().await {
            Ok(peer) => peer,
            Err(_) if *over.borrow() => return Ok(times),
            Err(why) => {
                drop(why);
                sleep(COMES_BACK_AFTER).await;
                continue;
            }
        };
        loop {
            let frame = tokio::select! {
                frame = peer.came() => frame?,
                _ = over.wait_for(|is_over| *is_over) => return Ok(times),
            };
            if frame["type"] != "message" {
                continue;
            }
            let is_poison = frame["text"] == POISON;
            times += u64::from(is_poison);
            if is_poison && dies_of_it {
                break;
            }
            let stage = if is_poison { "failed" } else { "done" };
            let ack = json!({"type": "ack", "id": frame["id"], "stage": stage});
            peer.send(&ack).await?;
        }
    }
}
