//! What ends a connection when nobody else does.
//!
//! An actor can die, and says goodbye even then; but words do not close the socket of a client that
//! does not read. So each session has a task of its own that owns the right to shut its socket down,
//! and that knows nothing of the actor: it sees only what waits in the outbox. It costs under a
//! kilobyte for each session (a timer, and a place in the outbox's list of who waits) and four looks
//! in half a minute.

use std::time::Duration;

use bridge_core::limits;
use bridge_core::session::CloseReason;
use tokio::time::{sleep, timeout};

use super::HangUp;
use crate::actors::outbox::{Farewell, Outbox};
use crate::wire::encode;

/// Stands by until the session's connection has ended, or ends it.
pub(super) async fn watch(outbox: Outbox, hang_up: HangUp, write_within: Duration) {
    tokio::select! {
        _ = outbox.overflowed() => {}
        () = stalled(&outbox, write_within) => {
            tracing::debug!("a session's socket takes nothing");
            // The actor hears of it as of any overflow, and says goodbye.
            outbox.overflow();
        }
    }
    if timeout(limits::GOODBYE_WITHIN, outbox.finished())
        .await
        .is_err()
    {
        tracing::error!("a session said no goodbye");
        outbox.finish(encode::bye(CloseReason::ServerError), Farewell::BYE);
    }
    let Farewell { within, moment } = outbox.finished().await;
    // Whether they were heard or not: the socket is shut down next.
    drop(timeout(within, outbox.over()).await);
    drop(timeout(moment, outbox.lost()).await);
    hang_up();
    outbox.abandon();
}

/// Waits until frames have waited for so long that the socket has stopped taking any.
async fn stalled(outbox: &Outbox, write_within: Duration) {
    let mut seen = None;
    let mut looks = 0;
    while looks < limits::WRITE_LOOKS {
        sleep(write_within / limits::WRITE_LOOKS).await;
        let waiting = outbox.waiting();
        if waiting.is_some() && waiting == seen {
            looks += 1;
        } else {
            looks = 0;
        }
        seen = waiting;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use futures_util::StreamExt;
    use tokio::time::Instant;

    use super::*;
    use crate::actors::outbox::OutboxBody;
    use crate::telemetry::metrics::Metrics;

    const WITHIN: Duration = Duration::from_secs(8);

    struct Watched {
        outbox: Outbox,
        body: OutboxBody,
        hung_up: Arc<AtomicUsize>,
        watch: tokio::task::JoinHandle<()>,
    }

    fn watched() -> Watched {
        let (outbox, body) = Outbox::new(Metrics::new());
        let hung_up = Arc::<AtomicUsize>::default();
        let ups = Arc::clone(&hung_up);
        let hang_up: HangUp = Box::new(move || {
            ups.fetch_add(1, Ordering::SeqCst);
        });
        let watch = tokio::spawn(watch(outbox.clone(), hang_up, WITHIN));
        Watched {
            outbox,
            body,
            hung_up,
            watch,
        }
    }

    impl Watched {
        async fn ended(self) {
            self.watch.await.expect("no panic");
            assert_eq!(self.hung_up.load(Ordering::SeqCst), 1);
        }
    }

    fn frame() -> Bytes {
        Bytes::from_static(b"x")
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_takes_nothing_is_shut_down_though_the_actor_is_dead() {
        let watched = watched();
        let begun = Instant::now();
        watched.outbox.push([frame()]).expect("there is room");
        let outbox = watched.outbox.clone();
        assert!(
            outbox.overflowed().await,
            "what would be an actor hears of it"
        );
        let found = begun.elapsed();
        assert!(found >= WITHIN && found <= WITHIN * 3 / 2, "{found:?}");
        watched.ended().await;
        let most = found + 2 * limits::GOODBYE_WITHIN + limits::AFTER_BYE;
        assert!(begun.elapsed() <= most, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_is_slow_but_takes_something_is_left_alone() {
        let mut watched = watched();
        for _ in 0..50 {
            let frames = [frame(), Bytes::from(vec![0; limits::WRITE_BYTES_MAX])];
            watched.outbox.push(frames).expect("there is room");
            sleep(WITHIN * 9 / 10).await;
            assert!(watched.body.next().await.is_some());
            assert!(
                watched.outbox.waiting().is_some(),
                "there is always something"
            );
            sleep(WITHIN / 10).await;
            assert!(watched.body.next().await.is_some());
        }
        assert!(watched.outbox.is_open() && !watched.watch.is_finished());
        sleep(100 * WITHIN).await;
        assert!(watched.outbox.is_open(), "nothing waits for a silent one");
    }

    #[tokio::test(start_paused = true)]
    async fn last_words_are_waited_for_and_then_no_longer() {
        let watched = watched();
        let begun = Instant::now();
        watched.outbox.finish(frame(), Farewell::DRAINING);
        watched.ended().await;
        let took = limits::DRAIN_GOODBYE_WITHIN + limits::AFTER_BYE;
        assert_eq!(begun.elapsed().as_millis(), took.as_millis());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_heard_the_last_words_gets_a_moment_to_close() {
        let mut watched = watched();
        let begun = Instant::now();
        watched.outbox.finish(frame(), Farewell::MUTUAL);
        while watched.body.next().await.is_some() {}
        watched.ended().await;
        assert_eq!(
            begun.elapsed().as_millis(),
            limits::AFTER_GOODBYE.as_millis()
        );
    }

    #[test]
    fn it_costs_little() {
        let (outbox, _body) = Outbox::new(Metrics::new());
        let watch = watch(outbox, Box::new(|| {}), WITHIN);
        let bytes = std::mem::size_of_val(&watch);
        assert!(bytes < 800, "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_lost_is_let_go_at_once() {
        let Watched {
            outbox,
            body,
            watch,
            hung_up,
        } = watched();
        let begun = Instant::now();
        outbox.push([frame()]).expect("there is room");
        drop(body);
        watch.await.expect("no panic");
        assert_eq!(hung_up.load(Ordering::SeqCst), 1);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
