//! Which database the servers of a trial are on, and the PostgreSQL that a trial has for itself.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use private_postgres::{Cluster, Durability};

pub(super) use crate::database::{Database, Databases};

/// The PostgreSQL of one trial. It is started when it is asked for, and gone when its last owner is.
#[derive(Debug, Clone, Default)]
pub(super) struct Postgres(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cluster: Option<Cluster>,
    /// Of the servers with these folders.
    urls: HashMap<PathBuf, String>,
}

impl Postgres {
    /// The database of the server with this folder: always the same, and empty at first. `disk` is
    /// where PostgreSQL keeps its data.
    pub(super) fn url(&self, disk: &Path, data_dir: &Path) -> Result<String, String> {
        let mut state = self.state();
        if let Some(url) = state.urls.get(data_dir) {
            return Ok(url.clone());
        }
        let cluster = match &mut state.cluster {
            Some(cluster) => cluster,
            none => none.insert(Cluster::start(disk, Durability::Synced)?),
        };
        let url = cluster.database()?;
        state.urls.insert(data_dir.to_owned(), url.clone());
        Ok(url)
    }

    /// Ends it as a crash does, and starts it again after a while. Returns when it answers.
    pub(super) async fn crash(&self, away: Duration) -> Result<(), String> {
        self.on_a_thread(Cluster::crash).await?;
        tokio::time::sleep(away).await;
        self.on_a_thread(Cluster::go).await
    }

    /// Stops all of its processes from running, or lets them go on.
    pub(super) async fn freeze(&self, is_frozen: bool) -> Result<(), String> {
        self.on_a_thread(move |cluster| cluster.freeze(is_frozen))
            .await
    }

    /// What waits for a process must not hold up everybody else here.
    async fn on_a_thread(
        &self,
        work: impl FnOnce(&mut Cluster) -> Result<(), String> + Send + 'static,
    ) -> Result<(), String> {
        let postgres = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut state = postgres.state();
            let cluster = state.cluster.as_mut().ok_or("PostgreSQL was not started")?;
            work(cluster)
        });
        let done = done.await;
        done.map_err(|why| format!("PostgreSQL: {why}"))?
    }

    /// Whoever panicked while it held this has left nothing half done in it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
