//! A thread that copies the write-ahead log into the database while the writer goes on writing.
//!
//! It never copies all of it, since more is written meanwhile, and only a log that has been copied
//! whole is used again from its beginning. So it takes the bulk, and the writer the little that is
//! left: with this thread alone the log would grow without end.
//!
//! SQLite syncs the database only behind a copy that came to the end of the log, which this thread's
//! hardly ever does. So it is done here, or the writer would wait for the disk to take all of it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use bridge_core::ports::LogFailure;
use diesel::sqlite::SqliteConnection;

use super::super::open_writer;
use super::index::never_closed;
use super::{Checkpointed, passive};
use crate::storage::error::at_commit;

/// What became of one copy.
type Told = Result<Checkpointed, LogFailure>;

/// Whether the disk has refused what was copied, so that the log is the only place where that is for
/// certain. Nothing may be written then, and the log must stay: a new start copies all of it again.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Refused(Arc<AtomicBool>);

impl Refused {
    pub(in super::super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// How a file is synced.
pub(in super::super) type Sync = fn(&File) -> std::io::Result<()>;

/// Copies when it is asked to, one at a time.
#[derive(Debug)]
pub(super) struct Copier {
    database: PathBuf,
    refused: Refused,
    pub(super) sync: Sync,
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
    pub(super) const fn of(database: PathBuf, refused: Refused) -> Self {
        Self {
            database,
            refused,
            sync: File::sync_data,
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
            None => self.start()?,
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

    /// Waits for the copy that is under way.
    pub(super) fn wait(&mut self) -> Option<Told> {
        let told = self.asked()?.told.recv();
        Some(match told {
            Ok(told) => self.heard(told),
            Err(_) => self.lost(),
        })
    }

    fn start(&self) -> Result<Thread, LogFailure> {
        let (ask, asked) = sync_channel(1);
        let (tell, told) = sync_channel(1);
        let copying = Copying {
            database: self.database.clone(),
            refused: self.refused.clone(),
            sync: self.sync,
            opened: None,
        };
        let builder = std::thread::Builder::new().name("log-copier".to_owned());
        let handle = builder.spawn(move || copying.run(&asked, &tell));
        let handle = handle.map_err(|why| LogFailure::Aborted(why.to_string()))?;
        Ok(Thread { ask, told, handle })
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

/// What the thread has.
struct Copying {
    database: PathBuf,
    refused: Refused,
    sync: Sync,
    opened: Option<Database>,
}

/// Nobody waits for a copy, and everybody else for a core.
#[cfg(target_os = "linux")]
fn give_way() {
    // A tenth of what others have, and all that nobody wants. With less, a machine that is always busy
    // would never come to the end of it.
    const NICE: i32 = 10;
    let this_thread = rustix::thread::gettid();
    if let Err(why) = rustix::process::setpriority_process(Some(this_thread), NICE) {
        tracing::debug!(error = %why, "copying takes a core as others do");
    }
}

/// Elsewhere a priority is that of the whole process.
#[cfg(not(target_os = "linux"))]
fn give_way() {}

/// A database that is open for copying.
struct Database {
    conn: SqliteConnection,
    file: &'static File,
}

impl Copying {
    /// Until nobody asks any more.
    fn run(mut self, asked: &Receiver<()>, tell: &SyncSender<Told>) {
        give_way();
        while asked.recv().is_ok() {
            let told = self.copy();
            if tell.send(told).is_err() {
                return;
            }
        }
    }

    fn copy(&mut self) -> Told {
        let mut opened = match self.opened.take() {
            Some(opened) => opened,
            None => Database::open(&self.database)?,
        };
        let copied = opened.copy(self.sync);
        if matches!(copied, Err(LogFailure::Broken(_))) {
            self.refused.set();
            // As long as one connection is there, none is the last one: which copies what is left,
            // takes all of it for synced, and deletes the log.
            std::mem::forget(opened);
        } else {
            self.opened = Some(opened);
        }
        copied
    }
}

impl Database {
    fn open(path: &Path) -> Result<Self, LogFailure> {
        let failed = |why: &dyn std::fmt::Display| LogFailure::Aborted(why.to_string());
        let conn = open_writer(path).map_err(|why| failed(&why))?;
        let file = File::open(path).map_err(|why| failed(&why))?;
        Ok(Self {
            conn,
            file: never_closed(file),
        })
    }

    fn copy(&mut self, sync: Sync) -> Told {
        let copied = passive(&mut self.conn).map_err(|why| at_commit(&why))?;
        sync(self.file)
            .map_err(|why| LogFailure::Broken(format!("syncing the database: {why}")))?;
        Ok(copied)
    }
}
