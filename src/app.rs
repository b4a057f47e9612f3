//! The only wiring: store, log writer, actors, server, and an orderly end.

mod following;
mod listening;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use actix_web::dev::{Server, ServerHandle};
use bridge_core::ports::{Clock, Ids, Log};
use bridge_core::{Epoch, limits};
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use crate::actors::bridge::Parts;
use crate::actors::{Bridge, Faults, Options};
use crate::backups::Backups;
use crate::clock::ServerClock;
use crate::config::{Config, ConfigError};
use crate::log_writer::{self, Health};
use crate::passwords::Passwords;
use crate::storage::sqlite::DataLock;
use crate::storage::{OpenError, Opened};
use crate::system::{self, Stopwatch, SystemClock, SystemIds};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::spans::Exporter;
use crate::tokens::{KeyError, SigningKey, Tickets, Tokens};
use crate::transport::{Connections, EventStreams, State};

use listening::Listening;

/// Why the server did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Wrong settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No database.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {why}")]
    Bind {
        /// Which address.
        addr: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
    /// The address for metrics cannot be listened on.
    #[error("cannot listen on {addr} for metrics (metrics.bind): {why}")]
    BindMetrics {
        /// Which address.
        addr: SocketAddr,
        /// What the system says.
        why: std::io::Error,
    },
    /// Something the system refused.
    #[error("{what}: {why}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What it says.
        why: String,
    },
    /// The log cannot be written any more.
    #[error(
        "the log cannot be written any more ({0}); nothing that was acknowledged is lost, and \
             the next start recovers"
    )]
    LogBroken(String),
    /// Too much failed in too short a time.
    #[error("{0}; nothing that was acknowledged is lost, and the next start recovers")]
    GaveUp(String),
}

fn refused(what: &'static str) -> impl Fn(std::io::Error) -> AppError {
    move |why| AppError::System {
        what,
        why: why.to_string(),
    }
}

/// Puts something around the writing side of the log.
pub type WrapLog = Arc<dyn Fn(Box<dyn Log>) -> Box<dyn Log> + Send + Sync>;

/// What a test may put in the place of the usual parts.
pub struct Seams {
    /// The time of the day. Timers run by the machine's clock all the same.
    pub clock: Arc<dyn Clock>,
    /// Places where the server fails.
    pub faults: Faults,
    /// Wraps the writing side of the log, each time that it is opened.
    pub log: WrapLog,
}

impl Default for Seams {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            faults: Faults::default(),
            log: Arc::new(|log| log),
        }
    }
}

impl std::fmt::Debug for Seams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seams")
    }
}

/// A server that listens.
pub struct Application {
    addr: SocketAddr,
    metrics_addr: Option<SocketAddr>,
    tokens: Arc<Tokens>,
    server: Server,
    metrics_server: Option<Server>,
    bridge: Bridge,
    connections: Connections,
    exporter: Option<Exporter>,
    writer: JoinHandle<()>,
    _locks: (DataLock, Option<DataLock>),
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application")
            .field("addr", &self.addr)
            .finish_non_exhaustive()
    }
}

impl Application {
    /// Opens everything and listens. Must be called within an actix system.
    ///
    /// # Errors
    /// When something cannot be opened; then nothing is left behind but the data folder.
    pub fn build(config: &Config) -> Result<Self, AppError> {
        Self::build_with(config, Seams::default())
    }

    /// The same with parts that a test has put in the place of the usual ones.
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn build_with(config: &Config, seams: Seams) -> Result<Self, AppError> {
        let data_dir = config.data_dir();
        make_data_dir(&data_dir)?;
        let folder_lock = DataLock::of_folder(&data_dir)?;
        let tokens = Arc::new(tokens(config)?);
        let ids = SystemIds::default();
        let opened = open_database(config, Epoch::from_uuid(ids.uuid()))?;
        let Opened {
            log,
            store,
            mut reopen,
            lock,
            copier,
        } = opened;
        let backups =
            Backups::new(copier, &data_dir).map_err(refused("taking away an unfinished backup"))?;
        let wrap = Arc::clone(&seams.log);
        let reopen = move || match reopen() {
            Ok(log) => Ok(wrap(log)),
            Err(why) => Err(why.to_string()),
        };
        let passwords = Passwords::new(config.password_cost()).map_err(|why| AppError::System {
            what: "the cost of password hashes",
            why,
        })?;
        let listening = Listening::on(config)?;
        let metrics = metrics(config);
        let (spans, exporter) = following::begin(config, &metrics)?;
        let (log, writer) = log_writer::start((seams.log)(log), Box::new(reopen), metrics.log())
            .map_err(refused("starting the log writer"))?;
        let newest = store.latest().map_err(|why| AppError::System {
            what: "reading the newest time in the log",
            why: why.to_string(),
        })?;
        let clock = ServerClock::new(seams.clock, newest);
        let bridge = Bridge::new(Parts {
            log,
            store,
            clock,
            ids: Arc::new(ids),
            passwords,
            options: options(config, seams.faults),
            metrics,
            spans,
        });
        let connections = Connections::new(config.tuning());
        let state = State {
            bridge: bridge.clone(),
            connections: connections.clone(),
            backups,
            tokens: Arc::clone(&tokens),
            tickets: Arc::new(Tickets::default()),
            streams: EventStreams::new(config.sessions.event_streams),
            metrics_open: config.metrics.open,
            since: Stopwatch::start(),
        };
        let (addr, metrics_addr) = listening.addrs();
        let (server, metrics_server) = listening.serve(config, state)?;
        Ok(Self {
            addr,
            metrics_addr,
            tokens,
            server,
            metrics_server,
            bridge,
            connections,
            exporter,
            writer,
            _locks: (folder_lock, lock),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where its metrics are, when they have a place of their own.
    #[must_use]
    pub const fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// Makes and checks this server's tokens.
    #[must_use]
    pub fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens)
    }

    /// Serves until `stop` is done, the log breaks, or too much has failed.
    ///
    /// # Errors
    /// When the log broke, or the server could not go on.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), AppError> {
        let Self {
            server,
            metrics_server,
            bridge,
            connections,
            exporter,
            writer,
            ..
        } = self;
        let handles: Vec<ServerHandle> = [Some(&server), metrics_server.as_ref()]
            .into_iter()
            .flatten()
            .map(Server::handle)
            .collect();
        // A thread of its own: the owners that it wakes end with it.
        let background = actix::Arbiter::new();
        let inside = bridge.clone();
        let (alive, is_dead) = oneshot::channel::<()>();
        background.spawn_fn(move || {
            // It ends with its thread, and nobody waits for it here.
            drop(actix_web::rt::spawn(async move {
                inside.run_background().await;
                drop(alive);
            }));
        });
        let exporting = following::export(exporter);
        let idle = actix_web::rt::spawn(connections.clone().end_idle_ones());
        let upkeep = actix_web::rt::spawn(keep_up(bridge.metrics().clone()));
        let mut serving = actix_web::rt::spawn(server);
        let mut serving_metrics = actix_web::rt::spawn(served(metrics_server));
        let health = Arc::clone(bridge.log_health());
        let broken = tokio::select! {
            () = stop => None,
            why = health.until_broken() => Some(AppError::LogBroken(why)),
            why = bridge.until_given_up() => Some(AppError::GaveUp(why)),
            _ = is_dead => Some(AppError::GaveUp(
                "the thread that ends leases and deadlines is gone".to_owned(),
            )),
            ended = &mut serving => Some(ended_by_itself(&ended)),
            ended = &mut serving_metrics => Some(ended_by_itself(&ended)),
        };
        end_connections(&handles, &bridge, &connections).await;
        idle.abort();
        upkeep.abort();
        exporting.end().await;
        shut_down(bridge, background, writer, &health).await;
        broken.map_or(Ok(()), Err)
    }
}

/// Serves for as long as there is something to serve.
async fn served(server: Option<Server>) -> std::io::Result<()> {
    match server {
        Some(server) => server.await,
        None => std::future::pending().await,
    }
}

fn ended_by_itself(ended: &impl std::fmt::Debug) -> AppError {
    tracing::error!(error = ?ended, "the server ended by itself");
    AppError::GaveUp("the server ended by itself".to_owned())
}

/// Answers what was asked, says goodbye to everybody, and stops listening. Whoever does not listen,
/// or does not go, is cut off, so that it ends in time.
async fn end_connections(handles: &[ServerHandle], bridge: &Bridge, connections: &Connections) {
    let watch = Stopwatch::start();
    let sessions = bridge.sessions_total();
    let open = connections.count();
    tracing::info!(sessions, connections = open, "stopping");
    bridge.drain(open.saturating_sub(sessions), system::chance);
    let quiet = tokio::time::timeout(limits::DRAIN_WITHIN, connections.until_quiet());
    if quiet.await.is_err() {
        let cut = connections.shut_down_all();
        tracing::warn!(
            connections = cut,
            "not everything was answered in the time to stop"
        );
    }
    // Most clients go when they have been told to; then there is nothing to wait for.
    drop(tokio::time::timeout(limits::AFTER_BYE, connections.until_none()).await);
    // Nothing listens from here on. What remains closes when its last bytes have been taken.
    let stopping = join_all(handles.iter().map(|handle| handle.stop(true)));
    tokio::pin!(stopping);
    let in_time = tokio::time::timeout(limits::LAST_BYTES_WITHIN, &mut stopping).await;
    if in_time.is_err() {
        let cut = connections.shut_down_all();
        tracing::debug!(
            connections = cut,
            "connections that did not close are cut off"
        );
        let stopping = tokio::time::timeout(limits::SHUTDOWN_WITHIN, stopping);
        if stopping.await.is_err() {
            tracing::warn!("connections were still open at the end of the time to stop");
        }
    }
    let millis = watch.elapsed().as_millis();
    tracing::info!(
        sessions,
        connections = open,
        millis,
        "nobody is connected any more"
    );
}

/// Lets the writer finish what is queued.
async fn shut_down(
    bridge: Bridge,
    background: actix::Arbiter,
    writer: JoinHandle<()>,
    health: &Health,
) {
    drop(bridge);
    background.stop();
    // The writer ends when the last owner has let go of its queue. It is waited for by a thread that
    // nobody has to wait for: its disk may hang.
    let (tell, told) = oneshot::channel();
    let waiting = std::thread::Builder::new().name("ending".to_owned());
    let waiting = waiting.spawn(move || {
        let ended = background.join().and(writer.join());
        if tell.send(ended.is_ok()).is_err() {
            tracing::debug!("the log writer ended late");
        }
    });
    if let Err(why) = waiting {
        return tracing::warn!(error = %why, "the log writer is not waited for");
    }
    match tokio::time::timeout(limits::WRITER_ENDS_WITHIN, told).await {
        Ok(_) => tracing::info!(log = ?health.stats(), "stopped"),
        Err(_) => tracing::warn!(
            "the log writer did not end in time; what it still holds was acknowledged to nobody"
        ),
    }
}

fn metrics(config: &Config) -> Metrics {
    match config.metrics.identity_values() {
        Some(max) => Metrics::by_name(max),
        None => Metrics::new(),
    }
}

/// Works off what is measured, before it takes room.
async fn keep_up(metrics: Metrics) {
    let mut turns = tokio::time::interval(limits::METRICS_UPKEEP_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        metrics.upkeep();
    }
}

/// Opens the database. One that another server owns is waited for, if that is possible.
fn open_database(config: &Config, new_epoch: Epoch) -> Result<Opened, AppError> {
    let database = config.database()?;
    let stands_by = || {
        tracing::warn!(%database, "another server owns the database; standing by until it is gone");
    };
    let opened = database.open_to_serve(new_epoch, config.database.checkpoint_frames(), stands_by);
    Ok(opened?)
}

/// Makes the data folder, readable by its owner only.
///
/// # Errors
/// When the system refuses.
pub fn make_data_dir(path: &std::path::Path) -> Result<(), AppError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|why| {
        OpenError::Path {
            path: path.to_owned(),
            why,
        }
        .into()
    })
}

/// The tokens of the server with these settings. It need not run.
///
/// # Errors
/// When there is no signing key and none can be made.
pub fn tokens(config: &Config) -> Result<Tokens, AppError> {
    let data_dir = config.data_dir();
    make_data_dir(&data_dir)?;
    let key = SigningKey::load_or_create(&data_dir)?;
    Ok(Tokens::new(&key, config.realm()))
}

fn options(config: &Config, faults: Faults) -> Options {
    Options {
        sessions_per_client: config.sessions.per_client,
        sessions_total: config.sessions.total,
        heartbeat: config.heartbeat(),
        write_within: config.tuning.write,
        room_idle: config.room_idle(),
        rules: config.rules(),
        faults,
    }
}
