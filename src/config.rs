//! Settings: typed, checked at the start, and named with their place when they are wrong.

mod metrics;
mod tracing;
mod tuning;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bridge_core::limits;
use bridge_core::mailbox::Rules;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

use crate::passwords::Cost;
use crate::storage::postgres::{self, WrongUrl};
use crate::storage::{Which, sqlite};
use crate::tokens::Realm;

pub use metrics::{Metrics, MetricsOpen};
pub use tracing::Tracing;
pub use tuning::Tuning;

/// The reference: every key with its default and what it means.
pub const DEFAULTS: &str = include_str!("../config/default.toml");
const ENV_PREFIX: &str = "AGENT_BRIDGE__";

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub server: Server,
    /// Where it keeps things.
    pub storage: Storage,
    /// In which database.
    pub database: Database,
    /// Whom it lets in.
    pub auth: Auth,
    /// Live sessions.
    pub sessions: Sessions,
    /// Direct messages.
    pub messages: Messages,
    /// Rooms.
    pub rooms: Rooms,
    /// What it says of itself.
    pub log: Log,
    /// What it measures.
    pub metrics: Metrics,
    /// Whether messages are followed.
    pub tracing: Tracing,
    /// What nobody needs to choose. Not for files.
    #[serde(skip)]
    pub tuning: Tuning,
}

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub bind: SocketAddr,
    /// Whether other machines may come in.
    pub allow_remote: bool,
    /// Threads; 0 means one for each core.
    pub workers: usize,
}

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    data_dir: PathBuf,
}

/// Which database. Its URL may hold a password, so its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    url: String,
    checkpoint_mib: u64,
}

/// Pages of SQLite in a mebibyte.
const PAGES_PER_MIB: u64 = 256;

impl Database {
    /// From how many frames on SQLite's write-ahead log is copied into the database.
    #[must_use]
    pub const fn checkpoint_frames(&self) -> u64 {
        self.checkpoint_mib * PAGES_PER_MIB
    }

    fn check(&self) -> Result<(), ConfigError> {
        let max = limits::WAL_FRAMES_MAX / PAGES_PER_MIB;
        if (1..=max).contains(&self.checkpoint_mib) {
            return Ok(());
        }
        Err(ConfigError::Senseless {
            key: "database.checkpoint_mib",
            why: format!("must be from 1 to {max}, but is {}", self.checkpoint_mib),
        })
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

/// Whom to let in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    issuer: String,
    audience: String,
    password_memory_kib: u32,
    password_passes: u32,
}

/// Live sessions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Of one client.
    pub per_client: usize,
    /// In all.
    pub total: usize,
    /// Streams of events in all.
    pub event_streams: usize,
    heartbeat_seconds: u64,
}

/// Direct messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    lease_seconds: u64,
    call_lease_seconds: u64,
    attempts: u32,
}

/// Rooms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rooms {
    idle_seconds: u64,
}

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A level or a filter.
    pub level: String,
    /// In which form.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What stands on the command line; it wins over everything.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Overrides {
    /// `--bind`
    pub bind: Option<SocketAddr>,
    /// `--allow-remote`
    pub allow_remote: bool,
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--database-url`
    pub database_url: Option<String>,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key or a value, with its place.
    #[error("{0}")]
    Setting(Box<figment::Error>),
    /// The file is not there.
    #[error("there is no configuration file {0}")]
    NoFile(PathBuf),
    /// Each is good, but not together.
    #[error("{key}: {why}")]
    Senseless {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl From<figment::Error> for ConfigError {
    fn from(error: figment::Error) -> Self {
        Self::Setting(Box::new(error))
    }
}

impl Config {
    /// Reads the settings: defaults, a file, the environment, the command line.
    ///
    /// # Errors
    /// When a key is unknown or a value wrong; the error names it and where it stands.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::NoFile(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        figment = figment.merge(Env::prefixed(ENV_PREFIX).split("__"));
        let config: Self = with_overrides(figment, overrides).extract()?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let places = [
            ("server.bind", Some(self.server.bind)),
            ("metrics.bind", self.metrics.bind),
        ];
        for (key, bind) in places {
            let Some(bind) = bind else { continue };
            if !bind.ip().is_loopback() && !self.server.allow_remote {
                let why = format!(
                    "{bind} lets other machines in; if that is what you want, say so with \
                     --allow-remote or server.allow_remote = true, and put TLS in front"
                );
                return Err(ConfigError::Senseless { key, why });
            }
        }
        for (key, value) in [
            ("sessions.per_client", self.sessions.per_client as u64),
            ("sessions.total", self.sessions.total as u64),
            ("sessions.event_streams", self.sessions.event_streams as u64),
            (
                "sessions.heartbeat_seconds",
                self.sessions.heartbeat_seconds,
            ),
            ("rooms.idle_seconds", self.rooms.idle_seconds),
            ("messages.lease_seconds", self.messages.lease_seconds),
            (
                "messages.call_lease_seconds",
                self.messages.call_lease_seconds,
            ),
        ] {
            if value == 0 || value > 1_000_000 {
                let why = format!("must be from 1 to 1000000, but is {value}");
                return Err(ConfigError::Senseless { key, why });
            }
        }
        let (attempts, max) = (self.messages.attempts, limits::ATTEMPTS_ALLOWED_MAX);
        if attempts == 0 || attempts > max {
            let why = format!("must be from 1 to {max}, but is {attempts}");
            return Err(ConfigError::Senseless {
                key: "messages.attempts",
                why,
            });
        }
        self.metrics.check()?;
        self.tracing.settings()?;
        self.database.check()?;
        self.database().map(drop)
    }

    /// The folder with the key and the database.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        if !self.storage.data_dir.as_os_str().is_empty() {
            return self.storage.data_dir.clone();
        }
        let home = std::env::home_dir().unwrap_or_default();
        home.join(".agent-bridge")
    }

    /// Which database.
    ///
    /// # Errors
    /// When the URL names none that this program can use.
    pub fn database(&self) -> Result<Which, ConfigError> {
        let url = self.database.url.as_str();
        if url.is_empty() {
            return Ok(Which::Sqlite(self.data_dir().join(sqlite::FILE_NAME)));
        }
        if let Some(path) = url
            .strip_prefix("sqlite://")
            .filter(|path| !path.is_empty())
        {
            return Ok(Which::Sqlite(path.into()));
        }
        let senseless = |why: String| ConfigError::Senseless {
            key: "database.url",
            why,
        };
        match postgres::Place::parse(url) {
            Ok(place) => Ok(Which::Postgres(place)),
            Err(WrongUrl::NotPostgres) => Err(senseless(
                "must be empty, sqlite:///path/to/file or postgres://user@host/database".to_owned(),
            )),
            Err(why) => Err(senseless(why.to_string())),
        }
    }

    /// Whom tokens are from and for.
    #[must_use]
    pub fn realm(&self) -> Realm {
        Realm {
            issuer: self.auth.issuer.clone(),
            audience: self.auth.audience.clone(),
        }
    }

    /// What a password's hash costs.
    #[must_use]
    pub const fn password_cost(&self) -> Cost {
        Cost {
            memory_kib: self.auth.password_memory_kib,
            passes: self.auth.password_passes,
        }
    }

    /// Between two pings of the server.
    #[must_use]
    pub const fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.sessions.heartbeat_seconds)
    }

    /// Connections that may be open at once, wherever they come in.
    #[must_use]
    pub const fn connections_in_all(&self) -> usize {
        match self.metrics.bind {
            Some(_) => self.connections_max() + limits::METRICS_CONNECTIONS_MAX,
            None => self.connections_max(),
        }
    }

    /// Connections that may be open at once where the server listens.
    #[must_use]
    pub const fn connections_max(&self) -> usize {
        self.sessions.total + self.sessions.event_streams + self.tuning.connections_spare
    }

    /// What nobody needs to choose. The system's patience with a connection is never shorter than
    /// ours with a session that says nothing.
    #[must_use]
    pub fn tuning(&self) -> Tuning {
        let heartbeats = self.heartbeat() * (limits::HEARTBEATS_MISSED_MAX + 1);
        let mut tuning = self.tuning;
        if tuning.unacknowledged == limits::UNACKNOWLEDGED_WITHIN {
            tuning.unacknowledged = tuning.unacknowledged.max(heartbeats);
        }
        tuning
    }

    /// Leases and attempts of messages.
    #[must_use]
    pub fn rules(&self) -> Rules {
        // Both are at most a million seconds.
        let millis = |seconds: u64| i64::try_from(seconds * 1_000).unwrap_or(i64::MAX);
        Rules {
            lease_millis: millis(self.messages.lease_seconds),
            call_lease_millis: millis(self.messages.call_lease_seconds),
            attempts_max: self.messages.attempts,
        }
    }

    /// How long a room, or a mailbox, that nobody uses stays awake.
    #[must_use]
    pub const fn room_idle(&self) -> Duration {
        Duration::from_secs(self.rooms.idle_seconds)
    }
}

fn with_overrides(figment: Figment, overrides: &Overrides) -> Figment {
    fn set(figment: Figment, key: &str, value: Option<impl Serialize>) -> Figment {
        match value {
            Some(value) => figment.merge(Serialized::default(key, value)),
            None => figment,
        }
    }
    let Overrides {
        bind,
        allow_remote,
        data_dir,
        database_url,
    } = overrides;
    let figment = set(figment, "server.bind", bind.map(|bind| bind.to_string()));
    let figment = set(figment, "server.allow_remote", allow_remote.then_some(true));
    let figment = set(figment, "storage.data_dir", data_dir.as_ref());
    set(figment, "database.url", database_url.as_ref())
}

#[cfg(test)]
mod tests;
