//! Many clients at once, on one thread.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

/// Clients that open their sessions at the same time. More would only wait in the queue of the
/// server's port, where a system throws away what is too much.
pub(super) const OPENING_AT_ONCE: usize = 200;

/// Waits for all, in the order in which they were made.
pub(super) async fn all<T: Send + 'static>(
    tasks: Vec<impl Future<Output = Result<T, String>> + Send + 'static>,
    within: Duration,
) -> Result<Vec<T>, String> {
    let count = tasks.len();
    let mut running = JoinSet::new();
    for (place, task) in tasks.into_iter().enumerate() {
        running.spawn(async move { task.await.map(|done| (place, done)) });
    }
    let gather = async {
        let mut done = Vec::with_capacity(count);
        while let Some(ended) = running.join_next().await {
            done.push(ended.map_err(|why| format!("a client failed: {why}"))??);
        }
        Ok(done)
    };
    let gathered: Result<Vec<(usize, T)>, String> = match timeout(within, gather).await {
        Ok(gathered) => gathered,
        Err(_) => return Err(format!("{count} clients took longer than {within:?}")),
    };
    let mut gathered = gathered?;
    gathered.sort_unstable_by_key(|(place, _)| *place);
    Ok(gathered.into_iter().map(|(_, done)| done).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_are_waited_for_and_one_that_fails_is_told() {
        let task = |number: u32| async move {
            if number < 3 {
                tokio::task::yield_now().await;
                return Ok(number);
            }
            Err("three".to_owned())
        };
        let within = Duration::from_secs(10);
        let done = all((0..3).map(task).collect(), within).await;
        assert_eq!(done, Ok(vec![0, 1, 2]));
        let done = all((0..4).map(task).collect(), within).await;
        assert_eq!(done, Err("three".to_owned()));
    }

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let forever = std::future::pending::<Result<(), String>>();
        let done = all(vec![forever], Duration::from_millis(1)).await;
        assert_eq!(done, Err("1 clients took longer than 1ms".to_owned()));
    }
}
