//! Brings about the effects that a record has on other streams.
//!
//! Which records have such effects stands in the store, written with them; so none is lost when the
//! server dies in between. Each effect is a command under a key made from the record that caused
//! it, so that bringing it about twice is bringing it about once.

mod effects;

use bridge_core::event::Stream;
use bridge_core::ports::FollowUp;
use bridge_core::{Reject, Seq, limits};
use futures_util::StreamExt;
use tokio::sync::{Notify, oneshot};

use super::bridge::Bridge;
use crate::log_writer::LogUnavailable;

/// Where owners say that a record of theirs has effects on other streams.
#[derive(Debug, Default)]
pub(super) struct Follower {
    news: Notify,
}

impl Follower {
    /// There is something to do; it is in the store already.
    pub(super) fn nudge(&self) {
        self.news.notify_one();
    }
}

/// Effects that are brought about side by side. They are of different messages, and their order
/// does not matter: each is a fact by itself.
const AT_ONCE: usize = 8;

/// Runs for as long as the server does.
pub(super) async fn run(bridge: Bridge) {
    loop {
        let all_done = match catch_up(&bridge).await {
            Ok(all_done) => all_done,
            Err(reject) => {
                tracing::warn!(%reject, detail = reject.detail(), "effects cannot be read now");
                false
            }
        };
        if all_done {
            bridge.follower().news.notified().await;
        } else {
            let retry = tokio::time::sleep(limits::FOLLOW_UPS_RETRY);
            tokio::pin!(retry);
            tokio::select! {
                () = bridge.follower().news.notified() => {}
                () = retry => {}
            }
        }
    }
}

/// Goes once through everything that is to be brought about. Whether all of it was.
async fn catch_up(bridge: &Bridge) -> Result<bool, Reject> {
    let mut after: Option<FollowUp> = None;
    let mut all_done = true;
    let mut last_forgotten = None;
    loop {
        let from = after.take();
        let page = bridge
            .reads()
            .run(move |store| store.follow_ups(from.as_ref(), limits::FOLLOW_UPS_AT_ONCE_MAX))
            .await?;
        let Some(last) = page.last().cloned() else {
            break;
        };
        let done = bring_about(bridge, page, &mut all_done).await;
        match forget(bridge, done) {
            Ok(None) => {}
            Ok(forgotten) => last_forgotten = forgotten,
            Err(why) => {
                tracing::debug!(error = %why, "effects are brought about once more");
                all_done = false;
            }
        }
        after = Some(last);
    }
    // What was brought about is not found again: a client that is connected would be told twice.
    if let Some(forgotten) = last_forgotten
        && forgotten.await.is_err()
    {
        tracing::debug!("effects could not be forgotten, and are brought about once more");
        all_done = false;
    }
    Ok(all_done)
}

/// The records whose effects are there now.
async fn bring_about(
    bridge: &Bridge,
    page: Vec<FollowUp>,
    all_done: &mut bool,
) -> Vec<(Stream, Seq)> {
    let outcomes = futures_util::stream::iter(page).map(|follow_up| async move {
        let outcome = effects::bring_about(bridge, &follow_up.envelope).await;
        (follow_up.envelope, outcome)
    });
    let mut outcomes = outcomes.buffer_unordered(AT_ONCE);
    let mut done = Vec::new();
    while let Some((envelope, outcome)) = outcomes.next().await {
        match outcome {
            Ok(()) => done.push((envelope.stream, envelope.seq)),
            Err(reject) if reject.is_temporary() => {
                tracing::debug!(stream = %envelope.stream, seq = %envelope.seq, %reject, "later");
                *all_done = false;
            }
            Err(reject) => {
                // Trying again would not help, and must not hold up the others.
                let detail = reject.detail().unwrap_or_default();
                tracing::error!(
                    stream = %envelope.stream, seq = %envelope.seq, %reject, detail,
                    "an effect of a record cannot be brought about"
                );
                done.push((envelope.stream, envelope.seq));
            }
        }
    }
    done
}

/// Forgets what was brought about, and says when that is written.
fn forget(
    bridge: &Bridge,
    done: Vec<(Stream, Seq)>,
) -> Result<Option<oneshot::Receiver<()>>, LogUnavailable> {
    if done.is_empty() {
        return Ok(None);
    }
    let (sender, forgotten) = oneshot::channel();
    let tell = Box::new(move || {
        if sender.send(()).is_err() {
            tracing::trace!("the follower ends, and does not wait any more");
        }
    });
    bridge.log().follow_ups_done(done, tell)?;
    Ok(Some(forgotten))
}
