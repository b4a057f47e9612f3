//! Journals made by hand, and what a power cut leaves of them.

use std::collections::HashSet;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;

const CUTS: u64 = 300;

/// Writes a journal as the machine does.
#[derive(Default)]
struct Script(Vec<u8>);

impl Script {
    fn add(&mut self, kind: u64, name: Name, place: u64, bytes: &[u8]) -> &mut Self {
        for number in [kind, name as u64 + 1, place, bytes.len() as u64] {
            self.0.extend_from_slice(&number.to_le_bytes());
        }
        self.0.extend_from_slice(bytes);
        self
    }

    fn created(&mut self, name: Name) -> &mut Self {
        self.add(1, name, 0, &[])
    }

    fn removed(&mut self, name: Name) -> &mut Self {
        self.add(2, name, 0, &[])
    }

    fn write(&mut self, name: Name, place: u64, bytes: &[u8]) -> &mut Self {
        self.add(3, name, place, bytes)
    }

    fn truncate(&mut self, name: Name, length: u64) -> &mut Self {
        self.add(4, name, length, &[])
    }

    fn sync(&mut self, name: Name) -> &mut Self {
        self.add(5, name, self.0.len() as u64, &[])
    }

    fn fail_to_sync(&mut self, name: Name) -> &mut Self {
        self.add(6, name, self.0.len() as u64, &[])
    }

    /// A database whose name is durable.
    fn database() -> Self {
        let mut script = Self::default();
        script.created(Name::Database).sync(Name::Folder);
        script
    }

    fn journal(&self) -> Journal {
        Journal::parse(self.0.clone()).expect("a journal")
    }
}

fn cuts(journal: &Journal, position: u64) -> impl Iterator<Item = Image> {
    (0..CUTS).map(move |seed| journal.image(position, &mut StdRng::seed_from_u64(seed)))
}

/// What the database may be after a power cut at the end.
fn outcomes(script: &Script) -> HashSet<Option<Vec<u8>>> {
    let journal = script.journal();
    let outcome = |image: Image| image.file(Name::Database).map(<[u8]>::to_vec);
    cuts(&journal, journal.len()).map(outcome).collect()
}

fn only(bytes: &[u8]) -> HashSet<Option<Vec<u8>>> {
    [Some(bytes.to_vec())].into()
}

#[test]
fn what_was_synced_is_there() {
    let mut script = Script::database();
    script.write(Name::Database, 0, b"one").sync(Name::Database);
    assert_eq!(outcomes(&script), only(b"one"));
    script
        .write(Name::Database, 3, b"two")
        .truncate(Name::Database, 5);
    assert_ne!(outcomes(&script), only(b"onetw"));
    script.sync(Name::Database);
    assert_eq!(outcomes(&script), only(b"onetw"));
}

#[test]
fn what_was_not_may_be_there_or_not() {
    let mut script = Script::database();
    script.write(Name::Database, 0, b"old").sync(Name::Database);
    script.write(Name::Database, 0, b"new");
    let expected = [Some(b"old".to_vec()), Some(b"new".to_vec())].into();
    assert_eq!(outcomes(&script), expected);
}

/// An fsync covers what was done before it began, not what came while it was under way.
#[test]
fn a_write_during_an_fsync_is_not_synced() {
    let mut script = Script::database();
    let begun = script.0.len() as u64;
    script.write(Name::Database, 0, b"late");
    script.add(5, Name::Database, begun, &[]);
    assert!(outcomes(&script).contains(&Some(Vec::new())));
}

#[test]
fn a_sector_is_never_torn_and_never_goes_back() {
    let mut script = Script::database();
    script
        .write(Name::Database, 0, b"aa")
        .write(Name::Database, 1, b"bb");
    let expected = [&b""[..], b"aa", b"abb"].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(outcomes(&script), expected.into());
}

#[test]
fn a_write_is_torn_between_sectors() {
    let mut script = Script::database();
    script
        .write(Name::Database, 0, &[b'a'; 1_024])
        .sync(Name::Database);
    script.write(Name::Database, 0, &[b'b'; 1_024]);
    let torn = |first: u8, second: u8| Some([[first; 512], [second; 512]].concat());
    let found = outcomes(&script);
    let every = [(b'a', b'a'), (b'a', b'b'), (b'b', b'a'), (b'b', b'b')];
    assert_eq!(
        found,
        every.map(|(first, second)| torn(first, second)).into()
    );
    let journal = script.journal();
    let torn: u64 = cuts(&journal, journal.len())
        .map(|image| image.damage.torn)
        .sum();
    assert!((10..200).contains(&torn), "{torn}");
}

/// The kernel drops what it could not write, and the next fsync knows nothing of it.
#[test]
fn what_could_not_be_synced_is_not_synced_later() {
    let mut script = Script::database();
    script
        .write(Name::Database, 0, b"lost")
        .fail_to_sync(Name::Database);
    script
        .write(Name::Database, 600, b"good")
        .sync(Name::Database);
    let found = outcomes(&script);
    assert!(found.iter().flatten().all(|bytes| bytes.ends_with(b"good")));
    assert!(
        found
            .iter()
            .flatten()
            .any(|bytes| bytes.starts_with(&[0; 4]))
    );
}

#[test]
fn a_cut_knows_nothing_of_what_came_later() {
    let mut script = Script::database();
    script.write(Name::Database, 0, b"old").sync(Name::Database);
    let position = script.0.len() as u64;
    script.write(Name::Database, 0, b"new").sync(Name::Database);
    let journal = script.journal();
    // The later write is not whole yet.
    for image in cuts(&journal, position + 34) {
        assert_eq!(image.file(Name::Database), Some(&b"old"[..]));
    }
}

#[test]
fn names_are_there_when_their_folder_was_synced() {
    let mut script = Script::database();
    script.write(Name::Database, 0, b"x").sync(Name::Database);
    script
        .created(Name::Wal)
        .write(Name::Wal, 0, b"w")
        .sync(Name::Wal);
    let names = |script: &Script| {
        let journal = script.journal();
        let wal = |image: Image| image.file(Name::Wal).map(<[u8]>::to_vec);
        cuts(&journal, journal.len())
            .map(wal)
            .collect::<HashSet<_>>()
    };
    assert_eq!(names(&script), [None, Some(b"w".to_vec())].into());
    script.sync(Name::Folder);
    assert_eq!(names(&script), [Some(b"w".to_vec())].into());
    // What comes back is the old file, and the new one is another.
    script.removed(Name::Wal).created(Name::Wal);
    let found = names(&script);
    assert_eq!(found, [None, Some(b"w".to_vec()), Some(Vec::new())].into());
    assert_eq!(outcomes(&script), only(b"x"));
}

#[test]
fn a_journal_that_makes_no_sense_is_refused() {
    let mut early = Script::default();
    early.write(Name::Database, 0, b"x");
    let why = Journal::parse(early.0).expect_err("no file yet");
    assert!(why.contains("empty folder"), "{why}");
    let mut strange = Script::database();
    strange.add(9, Name::Database, 0, &[]);
    assert!(Journal::parse(strange.0).is_err());
    let mut cut_off = Script::database();
    cut_off.write(Name::Database, 0, b"whole");
    cut_off.0.pop();
    let journal = Journal::parse(cut_off.0).expect("a journal");
    assert_eq!(journal.entries.len(), 2);
}

#[test]
fn an_image_is_written_beside_each_other() {
    let mut script = Script::database();
    script
        .created(Name::Wal)
        .created(Name::Rollback)
        .sync(Name::Folder);
    script.write(Name::Wal, 0, b"w").sync(Name::Wal);
    let journal = script.journal();
    let image = journal.image(journal.len(), &mut StdRng::seed_from_u64(1));
    let folder = tempfile::tempdir().expect("a temporary folder");
    image.write(folder.path()).expect("files");
    for (file, bytes) in [("", &b""[..]), ("-wal", b"w"), ("-journal", b"")] {
        let path = folder.path().join(format!("{}{file}", sqlite::FILE_NAME));
        assert_eq!(std::fs::read(path).expect("a file"), bytes);
    }
}
