//! A server in this process: its own thread, its own folder, its own port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use agent_bridge::app::{AppError, Application, Seams};
use agent_bridge::config::{Config, Overrides, Tuning};
use agent_bridge::system::SystemClock;
use agent_bridge::tokens::Tokens;
use bridge_core::ports::Clock;
use bridge_core::{Moment, Timestamp};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::tokens::{USUAL_LIFE, USUAL_SCOPES, mint};
use super::wait::PATIENCE;
use super::{Rest, Ws, database};

/// Cheap passwords, and a port of its own.
const SETTINGS: &str = "
[auth]
password_memory_kib = 8
password_passes = 1
";

/// The machine's clocks, but that a test turns them.
#[derive(Debug, Default)]
pub(crate) struct ShiftedClock {
    ahead_millis: AtomicI64,
    passed_millis: AtomicU64,
}

impl ShiftedClock {
    /// That much time goes by.
    pub(crate) fn turn(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("less than ages");
        self.passed_millis.fetch_add(millis, Ordering::SeqCst);
        self.set_forward(time);
    }

    /// The wall clock is set, and no time goes by.
    pub(crate) fn set_forward(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("less than ages");
        self.ahead_millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// The same, the other way.
    pub(crate) fn set_back(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("less than ages");
        self.ahead_millis.fetch_sub(millis, Ordering::SeqCst);
    }

    /// How much longer a token must live that is made by the machine's clock.
    fn ahead(&self) -> Duration {
        let millis = self.ahead_millis.load(Ordering::SeqCst);
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead_millis.load(Ordering::SeqCst);
        SystemClock.now().plus_millis(ahead)
    }

    fn moment(&self) -> Moment {
        let passed = self.passed_millis.load(Ordering::SeqCst);
        SystemClock.moment().plus_millis(passed)
    }
}

/// A running server. Dropping it stops it, and fails the test when it does not end.
pub(crate) struct TestServer {
    pub(crate) addr: SocketAddr,
    /// Where its metrics are, when they have a place of their own.
    pub(crate) metrics_addr: Option<SocketAddr>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) clock: Arc<ShiftedClock>,
    folder: Option<TempDir>,
    settings: String,
    tuning: Tuning,
    stop: Option<oneshot::Sender<()>>,
    ended: Receiver<Result<(), AppError>>,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with("")
    }

    /// With more settings than the usual ones.
    pub(crate) fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::on(folder, settings.to_owned())
    }

    /// One that is less patient, say.
    pub(crate) fn tuned(settings: &str, tune: impl FnOnce(&mut Tuning)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut tuning = Tuning::default();
        tune(&mut tuning);
        Self::on_with(folder, settings.to_owned(), tuning, Arc::default())
    }

    /// On a folder that has data already.
    pub(crate) fn on(folder: TempDir, settings: String) -> Self {
        Self::on_with(folder, settings, Tuning::default(), Arc::default())
    }

    fn on_with(
        folder: TempDir,
        settings: String,
        tuning: Tuning,
        clock: Arc<ShiftedClock>,
    ) -> Self {
        let mut config = config(folder.path(), &settings);
        config.tuning = tuning;
        let its_clock = Arc::clone(&clock);
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell_ready, is_ready) = sync_channel(1);
        let (tell_ended, ended) = sync_channel(1);
        std::thread::spawn(move || {
            let outcome = actix_web::rt::System::new().block_on(async move {
                let seams = Seams {
                    clock: its_clock,
                    ..Seams::default()
                };
                let app = Application::build_with(&config, seams)?;
                let ready = tell_ready.send((app.addr(), app.metrics_addr(), app.tokens()));
                ready.expect("the test waits for it");
                let stop = async move {
                    // A sender that is dropped stops it, too.
                    drop(stopped.await);
                };
                app.run(stop).await
            });
            // A test that has given up does not ask.
            drop(tell_ended.send(outcome));
        });
        let Ok((addr, metrics_addr, tokens)) = is_ready.recv_timeout(PATIENCE) else {
            panic!(
                "the server did not start: {:?}",
                ended.recv_timeout(PATIENCE)
            );
        };
        Self {
            addr,
            metrics_addr,
            tokens,
            clock,
            folder: Some(folder),
            settings,
            tuning,
            stop: Some(stop),
            ended,
        }
    }

    /// Stops it, and starts another one on the same data.
    pub(crate) fn restart(self) -> Self {
        let (clock, tuning) = (Arc::clone(&self.clock), self.tuning);
        let (folder, settings) = self.end();
        Self::on_with(folder, settings, tuning, clock)
    }

    /// Stops it. Its data and its settings stay, for another one.
    pub(crate) fn end(mut self) -> (TempDir, String) {
        let folder = self
            .folder
            .take()
            .expect("a server has its folder until it ends");
        let settings = std::mem::take(&mut self.settings);
        drop(self);
        (folder, settings)
    }

    /// The folder with the key and the database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder
            .as_ref()
            .expect("a server has its folder until it ends")
            .path()
    }

    /// Stops it. What it says as its last word is its result.
    pub(crate) fn stop(&mut self) -> Result<(), AppError> {
        drop(self.stop.take());
        match self.ended.recv_timeout(PATIENCE) {
            Ok(outcome) => outcome,
            Err(why) => panic!("the server does not end: {why}"),
        }
    }

    /// A client's usual token.
    pub(crate) fn token(&self, client: &str) -> String {
        self.token_with(client, USUAL_SCOPES)
    }

    /// A token with other scopes.
    pub(crate) fn token_with(&self, client: &str, scopes: &str) -> String {
        let lives_for = USUAL_LIFE + self.clock.ahead();
        mint(&self.tokens, client, scopes, lives_for, Duration::ZERO)
    }

    /// A client's way to REST.
    pub(crate) fn rest(&self, client: &str) -> Rest {
        Rest::new(self.addr, Some(self.token(client)))
    }

    /// A client's way to REST, with other scopes.
    pub(crate) fn rest_with(&self, client: &str, scopes: &str) -> Rest {
        Rest::new(self.addr, Some(self.token_with(client, scopes)))
    }

    /// A session that has said nothing yet.
    pub(crate) async fn open(&self, client: &str) -> Ws {
        Ws::open(self.addr, client, &self.token(client)).await
    }

    /// A session that has been welcomed, and resumes nothing.
    pub(crate) async fn session(&self, client: &str) -> Ws {
        let mut ws = self.open(client).await;
        ws.hello().await;
        ws
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if self.stop.is_none() {
            return;
        }
        if std::thread::panicking() {
            // The test has failed; its first reason is the one to read.
            drop(self.stop.take());
            drop(self.ended.recv_timeout(PATIENCE));
            return;
        }
        if let Err(why) = self.stop() {
            panic!("the server did not end well: {why}");
        }
    }
}

fn config(folder: &Path, settings: &str) -> Config {
    let file = folder.join("test.toml");
    std::fs::write(&file, format!("{SETTINGS}{settings}")).expect("a writable folder");
    let overrides = Overrides {
        bind: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        data_dir: Some(folder.to_owned()),
        database_url: database::url_of(folder),
        ..Overrides::default()
    };
    let mut config = Config::load(Some(&file), &overrides).expect("good settings");
    // More than one, so that sessions and rooms are on different threads.
    config.server.workers = 2;
    config
}
