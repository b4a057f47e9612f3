//! A server's data with much in it: many messages in many rooms, written once without a server, and
//! kept for the next time if that is wanted.

mod inventory;
mod rooms;

use std::path::{Path, PathBuf};

use agent_bridge::storage::Which;
use agent_bridge::storage::postgres;
use agent_bridge::storage::sqlite;
use agent_bridge::system::SystemIds;
use bridge_core::event::Stream;
use bridge_core::ports::Ids as _;
use bridge_core::{Epoch, RoomId};
use private_postgres::{Cluster, Durability, Shared};
use tempfile::TempDir;

use crate::database::Database;
use crate::figures::grouped;
use crate::fill::Filler;
use crate::progress;
use crate::server::{OPERATOR, Server};
use crate::target::OwnServer;

pub(crate) use inventory::{Inventory, Wanted};
pub(crate) use rooms::{maker, room_name};

/// The database of PostgreSQL.
const DATABASE: &str = "stock";
/// Sessions that a server has room for while rooms are made: none is opened.
const SESSIONS: usize = 10;

/// Filled data.
#[derive(Debug)]
pub(crate) struct Stock {
    /// The server's folder.
    data_dir: PathBuf,
    // The order matters: a database ends before its folder goes.
    data: Data,
    inventory: Inventory,
    _folder: Option<TempDir>,
}

/// Where the messages are.
#[derive(Debug)]
enum Data {
    Sqlite(PathBuf),
    Postgres { cluster: Cluster, url: String },
}

impl Data {
    fn new(data_dir: &Path, cluster: Option<Cluster>) -> Result<Self, String> {
        Ok(match cluster {
            None => Self::Sqlite(data_dir.join(sqlite::FILE_NAME)),
            Some(cluster) => Self::Postgres {
                url: cluster.database_named(DATABASE)?,
                cluster,
            },
        })
    }

    fn which(&self) -> Result<Which, String> {
        Ok(match self {
            Self::Sqlite(file) => Which::Sqlite(file.clone()),
            Self::Postgres { url, .. } => {
                Which::Postgres(postgres::Place::parse(url).map_err(|why| why.to_string())?)
            }
        })
    }
}

impl Stock {
    /// What is wanted: found in `kept`, or made there; without it, made in a temporary folder.
    pub(crate) async fn of(
        own: &OwnServer,
        kept: Option<&Path>,
        wanted: Wanted,
    ) -> Result<Self, String> {
        let mut stock = match kept {
            Some(folder) => Self::kept(own, folder)?,
            None => Self::temporary(own)?,
        };
        if stock.inventory.is_of(&wanted)? {
            println!("  stock      found in {}", stock.data_dir.display());
        } else {
            stock.fill(own, wanted).await?;
        }
        Ok(stock)
    }

    fn temporary(own: &OwnServer) -> Result<Self, String> {
        let folder = own.place.folder()?;
        let cluster = match own.place.database() {
            Database::Sqlite => None,
            // Its user may not look into a folder that is ours alone.
            Database::Postgres => Some(Cluster::start(&own.place.disk()?, Durability::Synced)?),
        };
        let mut stock = Self::new(folder.path(), cluster)?;
        stock._folder = Some(folder);
        Ok(stock)
    }

    /// Each database has its own beneath the folder.
    fn kept(own: &OwnServer, folder: &Path) -> Result<Self, String> {
        let (name, cluster) = match own.place.database() {
            Database::Sqlite => ("sqlite", None),
            Database::Postgres => {
                let cluster = folder.join("postgres-data");
                let cluster = Cluster::start_kept(&cluster, Durability::Synced)?;
                ("postgres", Some(cluster))
            }
        };
        let data_dir = folder.join(name);
        let made = std::fs::create_dir_all(&data_dir);
        made.map_err(|why| format!("{}: {why}", data_dir.display()))?;
        Self::new(&data_dir, cluster)
    }

    fn new(data_dir: &Path, cluster: Option<Cluster>) -> Result<Self, String> {
        Ok(Self {
            data_dir: data_dir.to_owned(),
            data: Data::new(data_dir, cluster)?,
            inventory: Inventory::read(data_dir)?,
            _folder: None,
        })
    }

    /// What is in it.
    pub(crate) const fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The server's folder.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What it takes on the disk.
    pub(crate) fn mib(&self) -> Result<u64, String> {
        let bytes = match &self.data {
            Data::Sqlite(file) => {
                let found = std::fs::metadata(file);
                found
                    .map_err(|why| format!("{}: {why}", file.display()))?
                    .len()
            }
            Data::Postgres { cluster, url } => {
                let size = format!("SELECT pg_database_size('{DATABASE}')");
                let size = cluster.shared().sql(url, &size)?;
                size.parse().map_err(|why| format!("{size}: {why}"))?
            }
        };
        Ok(bytes / (1024 * 1024))
    }

    /// Starts a server on it. What it holds stays when the server ends.
    pub(crate) fn start(&self, own: &OwnServer, sessions: usize) -> Result<Server, String> {
        let mut launch = own.launch(sessions);
        if let Data::Postgres { url, .. } = &self.data {
            launch.database_url = Some(url);
        }
        Server::over(&self.data_dir, &launch)
    }

    /// Rooms in which nobody but their maker was, as long as there are some.
    pub(crate) fn take_rooms(&mut self, count: u32) -> Result<Vec<String>, String> {
        let numbers = self.inventory.take_rooms(count)?;
        self.inventory.write(&self.data_dir)?;
        Ok(numbers.into_iter().map(room_name).collect())
    }

    /// Somebody has posted more.
    pub(crate) fn add_messages(&mut self, messages: u64) -> Result<(), String> {
        self.inventory.messages += messages;
        self.inventory.write(&self.data_dir)
    }

    async fn fill(&mut self, own: &OwnServer, wanted: Wanted) -> Result<(), String> {
        Inventory::begin(&self.data_dir)?;
        let server = self.start(own, SESSIONS)?;
        rooms::make(&server, wanted.rooms).await?;
        drop(server);
        let which = self.data.which()?;
        let postgres = match &self.data {
            Data::Sqlite(_) => None,
            Data::Postgres { cluster, url } => Some((cluster.shared(), url.clone())),
        };
        let written = tokio::task::spawn_blocking(move || {
            write(&which, wanted)?;
            postgres.map_or(Ok(()), |(postgres, url)| settle(&postgres, &url))
        });
        written.await.map_err(|why| why.to_string())??;
        self.inventory = Inventory::of(wanted);
        self.inventory.write(&self.data_dir)?;
        println!(
            "  stock      {} messages in {} rooms were written",
            grouped(wanted.messages as f64),
            grouped(wanted.rooms.into())
        );
        Ok(())
    }
}

/// Writes the messages, on a thread that may wait for the disk.
fn write(which: &Which, wanted: Wanted) -> Result<(), String> {
    let epoch = Epoch::from_uuid(SystemIds::default().uuid());
    let mut opened = which.open(epoch, || ()).map_err(|why| why.to_string())?;
    let mut streams = Vec::new();
    for number in 0..wanted.rooms {
        let name: RoomId = room_name(number)
            .parse()
            .map_err(|why| format!("a room's name: {why}"))?;
        let stream = Stream::Room(name);
        let head = opened.store.head(&stream).map_err(|why| why.to_string())?;
        streams.push((stream, head));
    }
    let by = OPERATOR.parse().map_err(|why| format!("a name: {why}"))?;
    let bar = progress::bar("writing", wanted.messages);
    let text_bytes = wanted.text_bytes.into();
    let mut filler = Filler::new(&mut *opened.log, streams, by, text_bytes);
    filler.write(wanted.messages, |written| bar.set_position(written))?;
    bar.finish_and_clear();
    opened.log.upkeep(true).map_err(|why| why.to_string())
}

/// What was written in minutes is put in order as it would have been in weeks; otherwise that would
/// happen while something is measured. SQLite's log was copied into its file with the last posts.
fn settle(postgres: &Shared, url: &str) -> Result<(), String> {
    for statement in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
        postgres.sql(url, statement)?;
    }
    Ok(())
}
