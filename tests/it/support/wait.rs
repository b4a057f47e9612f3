//! Waiting for an event, but not for ever.

use std::time::Duration;

/// How long anything may take that should happen at once. Long, because the machine that runs the
/// tests may be busy; what must not happen is never waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The result of something that must happen.
pub(crate) async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}

/// Lets time pass where nothing is to be waited for: a moment to do something at, or a while in
/// which nothing must happen.
pub(crate) async fn for_a_while(while_: Duration) {
    let never = std::future::pending::<()>();
    drop(tokio::time::timeout(while_, never).await);
}
