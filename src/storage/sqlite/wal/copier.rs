//! A thread that copies the write-ahead log into the database while the writer goes on writing.
//!
//! It never copies all of it, since more is written meanwhile, and only a log that has been copied
//! whole is used again from its beginning. So it takes the bulk, and the writer the little that is
//! left: with this thread alone the log would grow without end.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use bridge_core::ports::LogFailure;
use diesel::sqlite::SqliteConnection;

use super::super::open_writer;
use super::{Checkpointed, passive};
use crate::storage::error::at_commit;

/// What became of one copy.
type Told = Result<Checkpointed, LogFailure>;

/// Copies when it is asked to, one at a time.
#[derive(Debug)]
pub(super) struct Copier {
    database: PathBuf,
    thread: Option<Thread>,
    is_under_way: bool,
}

#[derive(Debug)]
struct Thread {
    ask: SyncSender<()>,
    told: Receiver<Told>,
    handle: JoinHandle<()>,
}

impl Copier {
    /// Nothing is started before it is needed.
    pub(super) const fn of(database: PathBuf) -> Self {
        Self {
            database,
            thread: None,
            is_under_way: false,
        }
    }

    pub(super) const fn is_under_way(&self) -> bool {
        self.is_under_way
    }

    /// Begins to copy what is in the log now.
    pub(super) fn begin(&mut self) -> Result<(), LogFailure> {
        let thread = match self.thread.take() {
            Some(thread) => thread,
            None => start(&self.database)?,
        };
        // It has room for one, and takes it before it tells what became of it.
        if thread.ask.try_send(()).is_err() {
            return Err(gone());
        }
        self.thread = Some(thread);
        self.is_under_way = true;
        Ok(())
    }

    /// What became of the copy, once it is over.
    pub(super) fn ended(&mut self) -> Option<Told> {
        let told = self.asked()?.told.try_recv();
        match told {
            Err(TryRecvError::Empty) => None,
            Ok(told) => Some(self.heard(told)),
            Err(TryRecvError::Disconnected) => Some(self.lost()),
        }
    }

    /// Waits for the copy that is under way, which is for the disk to write some megabytes.
    pub(super) fn wait(&mut self) -> Option<Told> {
        let told = self.asked()?.told.recv();
        Some(match told {
            Ok(told) => self.heard(told),
            Err(_) => self.lost(),
        })
    }

    fn asked(&self) -> Option<&Thread> {
        self.thread.as_ref().filter(|_| self.is_under_way)
    }

    fn heard(&mut self, told: Told) -> Told {
        self.is_under_way = false;
        told
    }

    /// The next time another thread is started.
    fn lost(&mut self) -> Told {
        self.is_under_way = false;
        self.thread = None;
        Err(gone())
    }
}

fn gone() -> LogFailure {
    LogFailure::Aborted("the thread that copies the write-ahead log ended".to_owned())
}

/// The connection must be gone before another one takes its place as the writer's.
impl Drop for Copier {
    fn drop(&mut self) {
        let Some(Thread { ask, told, handle }) = self.thread.take() else {
            return;
        };
        drop((ask, told));
        if handle.join().is_err() {
            tracing::error!("the thread that copies the write-ahead log panicked");
        }
    }
}

fn start(database: &Path) -> Result<Thread, LogFailure> {
    let (ask, asked) = sync_channel(1);
    let (tell, told) = sync_channel(1);
    let database = database.to_owned();
    let builder = std::thread::Builder::new().name("log-copier".to_owned());
    let handle = builder.spawn(move || run(&database, &asked, &tell));
    let handle = handle.map_err(|why| LogFailure::Aborted(why.to_string()))?;
    Ok(Thread { ask, told, handle })
}

/// Until nobody asks any more.
fn run(database: &Path, asked: &Receiver<()>, tell: &SyncSender<Told>) {
    let mut conn = None;
    while asked.recv().is_ok() {
        if tell.send(copy(database, &mut conn)).is_err() {
            return;
        }
    }
}

fn copy(database: &Path, conn: &mut Option<SqliteConnection>) -> Told {
    let mut opened = match conn.take() {
        Some(opened) => opened,
        None => open_writer(database).map_err(|why| LogFailure::Aborted(why.to_string()))?,
    };
    let copied = passive(&mut opened).map_err(|why| at_commit(&why));
    *conn = Some(opened);
    copied
}
