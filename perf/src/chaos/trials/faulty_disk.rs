//! What the trials of a faulty disk have in common: a server on the faulty machine, who writes to it,
//! and how it is judged when it was started again.

pub(super) mod publishers;
pub(super) mod verdict;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::chaos::machine::{Control, Damage, Journal, Machine, Orders};
use crate::chaos::server::{Server, Start};
use crate::chaos::setting::Setting;
use publishers::{Publishers, Said};
use verdict::{Promises, Verdict};

/// How the machine is broken, for the table.
pub(super) const FORM: &str = "the real program with a library in front of the C library \
                               (LD_PRELOAD); no privileges needed";
/// The fault of the servers that must be found out.
pub(super) const EARLY: &str = "acknowledges-early";
/// How many of them at most: not each of them loses something.
pub(super) const EARLY_MAX: usize = 6;
/// How long writing so many posts may take.
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);

/// The machine, in a folder of its own.
pub(super) struct Workshop {
    machine: Machine,
    _folder: TempDir,
}

impl Workshop {
    /// Builds it, or says why there is none here.
    pub(super) fn open(setting: &Setting) -> Result<Result<Self, String>, String> {
        let folder = setting.folder()?;
        Ok(Machine::build(folder.path()).map(|machine| Self {
            machine,
            _folder: folder,
        }))
    }
}

/// A folder on the faulty machine, which records what reaches its disk.
pub(super) struct Bench {
    pub(super) folder: TempDir,
    pub(super) control: Control,
}

impl Bench {
    /// The name must be another one each time.
    pub(super) fn new(setting: &Setting, workshop: &Workshop, name: &str) -> Result<Self, String> {
        let folder = setting.folder()?;
        let control = workshop.machine.control(folder.path(), name)?;
        let control = control.recording()?;
        Ok(Self { folder, control })
    }

    /// Starts the real server, or one with this fault. That the machine is really under it is made
    /// sure.
    pub(super) fn start(
        &self,
        setting: &Setting,
        fault: Option<&str>,
    ) -> Result<Arc<Server>, String> {
        let start = Start::new(setting, self.control.data_dir())?;
        let start = match fault {
            None => start,
            Some(fault) => start.broken(fault)?,
        };
        let server = self.control.put_under(start).go()?;
        self.control.must_be_under_the_database_of(server.pid())?;
        Ok(Arc::new(server))
    }

    /// What reached the disk, once the server has ended.
    pub(super) fn journal(&self) -> Result<Journal, String> {
        let journal = Journal::read(self.control.journal())?;
        let removed = std::fs::remove_file(self.control.journal());
        removed.map_err(|why| format!("the journal: {why}"))?;
        Ok(journal)
    }
}

/// What was recorded in one life of a server.
pub(super) struct Recording {
    pub(super) folder: TempDir,
    pub(super) journal: Journal,
    pub(super) promises: Promises,
    pub(super) acknowledged: u64,
    /// Where the disk began to lie, if it did.
    pub(super) lies_from: u64,
}

/// How much is written while it is recorded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub(super) clients: usize,
    pub(super) rooms: usize,
    pub(super) posts: u64,
}

impl Recording {
    /// Lets clients post on a good disk, or on one that keeps nothing of the second half and says
    /// that all is well.
    pub(super) async fn make(
        setting: &Setting,
        workshop: &Workshop,
        name: &str,
        load: Load,
        lie: bool,
    ) -> Result<Self, String> {
        let mut bench = Bench::new(setting, workshop, name)?;
        let server = bench.start(setting, None)?;
        let journal = Some(bench.control.journal());
        let mut publishers = Publishers::begin(&server, load.clients, load.rooms, journal);
        let mut lies_from = 0;
        if lie {
            let half = load.posts / 2;
            publishers
                .until("half of the posts", WRITTEN_WITHIN, |p| {
                    p.acknowledged >= half
                })
                .await?;
            lies_from = bench.control.journal_bytes()?;
            let lie = Orders {
                lie: true,
                ..Orders::default()
            };
            bench.control.order(&lie)?;
        }
        publishers
            .until("all of the posts", WRITTEN_WITHIN, |p| {
                p.acknowledged >= load.posts
            })
            .await?;
        let said = publishers.stop().await?;
        drop(server);
        undisturbed(&said)?;
        Ok(Self {
            journal: bench.journal()?,
            folder: bench.folder,
            acknowledged: said.acknowledged(),
            promises: Promises::new(said.told, said.refused),
            lies_from,
        })
    }

    /// Cuts the power there, and starts the server on what is left.
    pub(super) async fn cut(
        &self,
        setting: &Setting,
        at: u64,
        random: &mut StdRng,
    ) -> Result<(Verdict, Damage), String> {
        let journal = &self.journal;
        let key = self.folder.path();
        judge_image(setting, journal, &self.promises, key, at, random).await
    }
}

/// The last lines of a server's log.
pub(super) fn last_words(server: &Server) -> String {
    const LINES: usize = 3;
    let log = server.log();
    let lines: Vec<&str> = log.lines().rev().take(LINES).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}

fn undisturbed(said: &Said) -> Result<(), String> {
    if said.refusals.is_empty() && said.ended.is_empty() {
        return Ok(());
    }
    Err(format!(
        "a recording was disturbed: {:?}, {:?}",
        said.refusals, said.ended
    ))
}

/// Makes the disk as it may be after a power cut at this position of the journal, starts the server
/// on it with the key of this folder, and holds it against what was told until then.
pub(super) async fn judge_image(
    setting: &Setting,
    journal: &Journal,
    promises: &Promises,
    key: &Path,
    at: u64,
    random: &mut StdRng,
) -> Result<(Verdict, Damage), String> {
    let folder = setting.folder()?;
    let image = journal.image(at, random);
    image.write(folder.path())?;
    copy_key(key, folder.path())?;
    let start = Start::new(setting, folder.path())?;
    let verdict = promises.judge(start, folder.path(), at).await?;
    Ok((verdict, image.damage))
}

/// The same server needs the same key: without it nobody's token is good any more. A server that did
/// not come so far has none.
fn copy_key(from: &Path, to: &Path) -> Result<(), String> {
    const KEY: &str = "signing.key";
    match std::fs::copy(from.join(KEY), to.join(KEY)) {
        Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(format!("{KEY}: {why}")),
        _ => Ok(()),
    }
}

/// The control of the trials: a disk that says that all is well and keeps nothing. The checker must
/// see what it loses; some cuts lose nothing, so there may be several.
pub(super) async fn lying_disk(
    setting: &Setting,
    workshop: &Workshop,
    load: Load,
    random: &mut StdRng,
) -> Result<(String, bool), String> {
    const CUTS_MAX: u32 = 12;
    setting.at("control: a disk that lies");
    let recording = Recording::make(setting, workshop, "control", load, true).await?;
    let mut found = Verdict::default();
    let mut cuts = 0;
    while cuts < CUTS_MAX && found.lost == 0 {
        let at = recording.moment(recording.lies_from, random);
        found.add(recording.cut(setting, at, random).await?.0);
        cuts += 1;
    }
    let said = format!(
        "lost {} of {} in {cuts} cuts, integrity failures {}",
        found.lost, found.checked, found.damaged
    );
    Ok((said, found.lost > 0))
}

impl Recording {
    /// Half of the moments are anywhere, the others just when somebody has been told something.
    pub(super) fn moment(&self, from: u64, random: &mut StdRng) -> u64 {
        use rand::RngExt;
        let mut moments = self.promises.moments();
        moments.retain(|moment| *moment >= from);
        if moments.is_empty() || random.random() {
            return random.random_range(from..=self.journal.len());
        }
        moments[random.random_range(0..moments.len())]
    }
}
