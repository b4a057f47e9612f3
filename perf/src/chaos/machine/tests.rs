//! The machine under a small program, which tells what came of everything that it did.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::journal::{Journal, Name, What};
use super::{Control, Machine, Orders, compile};
use agent_bridge::storage::sqlite;

const SUBJECT: &str = include_str!("subject.c");
const EIO: i64 = -5;
const ENOSPC: i64 = -28;
const HOUR_MS: i64 = 3_600_000;

struct Bench {
    folder: TempDir,
    data_dir: PathBuf,
    machine: Machine,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().canonicalize().expect("a folder");
        let data_dir = place.join("data");
        std::fs::create_dir(&data_dir).expect("a folder");
        let machine = Machine::build(folder.path()).expect("Linux and a C compiler");
        let source = folder.path().join("subject.c");
        std::fs::write(&source, SUBJECT).expect("a file");
        let mut compiler = Command::new("cc");
        let program = folder.path().join("subject");
        compile_into(&mut compiler, &program, &source);
        compile(compiler).expect("the subject is good C");
        Self {
            folder,
            data_dir,
            machine,
        }
    }

    fn control(&self, name: &str) -> Control {
        let control = self.machine.control(&self.data_dir, name);
        control.expect("a control page")
    }

    fn start(&self, control: &Control, file: &str, words: &[&str]) -> Child {
        let mut command = Command::new(self.folder.path().join("subject"));
        command
            .arg(self.data_dir.join(file))
            .args(words)
            .arg(&self.data_dir)
            .envs(control.variables().iter().map(|(n, v)| (n, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command.spawn().expect("the subject")
    }

    fn run(&self, control: &Control, file: &str, words: &[&str]) -> Vec<i64> {
        let output = self.start(control, file, words).wait_with_output();
        let output = output.expect("the subject ends");
        assert!(output.status.success(), "{output:?}");
        numbers(&output.stdout)
    }

    fn database(&self) -> Vec<u8> {
        std::fs::read(self.data_dir.join(sqlite::FILE_NAME)).expect("a file")
    }
}

fn compile_into(compiler: &mut Command, program: &std::path::Path, source: &std::path::Path) {
    compiler.args(["-std=gnu11", "-o"]).arg(program).arg(source);
}

fn numbers(text: &[u8]) -> Vec<i64> {
    let text = String::from_utf8_lossy(text);
    let numbers = text.lines().map(|line| line.parse().expect("a number"));
    numbers.collect()
}

#[test]
fn the_library_is_free_of_warnings() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("machine.c");
    std::fs::write(&source, super::SHIM).expect("a file");
    let mut compiler = Command::new("cc");
    compiler.args([
        "-std=gnu11",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-c",
        "-fPIC",
        "-o",
    ]);
    compiler.arg(folder.path().join("machine.o")).arg(&source);
    compile(compiler).expect("no warnings");
}

#[test]
fn a_system_that_cannot_build_it_is_told_why() {
    let why = compile(Command::new("no-such-compiler")).expect_err("no compiler");
    assert!(why.contains("there is no C compiler"), "{why}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = folder.path().join("bad.c");
    std::fs::write(&source, "#error too old\n").expect("a file");
    let mut compiler = Command::new("cc");
    compile_into(&mut compiler, &folder.path().join("bad"), &source);
    let why = compile(compiler).expect_err("not C");
    assert!(why.contains("too old"), "{why}");
}

#[test]
fn without_orders_everything_goes_through() {
    let bench = Bench::new();
    let control = bench.control("one");
    let words = ["o", "w0,10,a", "w10,10,b", "t15", "s", "d", "f", "c"];
    let done = bench.run(&control, sqlite::FILE_NAME, &words);
    assert_eq!(done[1..], [10, 10, 0, 0, 0, 0, 0]);
    assert_eq!(bench.database(), b"aaaaaaaaaabbbbb");
    let counts = control.counts().expect("counts");
    assert_eq!((counts.writes, counts.fsyncs), (2, 2), "{counts:?}");
    assert_eq!(
        counts.failed_fsyncs + counts.failed_writes + counts.no_room + counts.lies,
        0
    );
    assert_ne!(counts.process, 0);
}

#[test]
fn the_nth_fsync_and_the_nth_write_fail() {
    let bench = Bench::new();
    let mut control = bench.control("one");
    let orders = Orders {
        fail_fsync: Some(2),
        fail_write: Some(3),
        ..Orders::default()
    };
    control.order(&orders).expect("an order");
    let words = ["o", "w0,4,a", "s", "w4,4,b", "d", "s", "w8,4,c", "w8,4,d"];
    let done = bench.run(&control, sqlite::FILE_NAME, &words);
    assert_eq!(done[1..], [4, 0, 4, EIO, 0, EIO, 4]);
    assert_eq!(bench.database(), b"aaaabbbbdddd");
    let for_ever = Orders {
        for_ever: true,
        ..orders
    };
    let mut control = bench.control("two");
    control.order(&for_ever).expect("an order");
    let words = ["o", "s", "s", "s", "w0,1,a", "w0,1,a", "w0,1,a", "w0,1,a"];
    let done = bench.run(&control, "bridge.sqlite3-wal", &words);
    assert_eq!(done[1..], [0, EIO, EIO, 1, 1, EIO, EIO]);
    let counts = control.counts().expect("counts");
    assert_eq!((counts.failed_fsyncs, counts.failed_writes), (2, 2));
}

#[test]
fn other_files_are_left_alone() {
    let bench = Bench::new();
    let mut control = bench.control("one");
    let broken = Orders {
        fail_fsync: Some(1),
        fail_write: Some(1),
        for_ever: true,
        room: Some(0),
        ..Orders::default()
    };
    control.order(&broken).expect("an order");
    for file in ["server.lock", "bridge.sqlite3.lock", "signing.key"] {
        let done = bench.run(&control, file, &["o", "w0,4,a", "s"]);
        assert_eq!(done[1..], [4, 0], "{file}");
    }
    // The index in shared memory takes room, but holds no data that an fsync or a write could lose.
    let done = bench.run(&control, "bridge.sqlite3-shm", &["o", "s", "w0,4,a"]);
    assert_eq!(done[1..], [0, ENOSPC]);
}

/// A descriptor that was the database's may be another file's the next time.
#[test]
fn a_closed_file_is_forgotten() {
    let bench = Bench::new();
    let mut control = bench.control("one");
    let orders = Orders {
        fail_fsync: Some(1),
        ..Orders::default()
    };
    control.order(&orders).expect("an order");
    // The other file takes the number that the database had.
    let done = bench.run(&control, sqlite::FILE_NAME, &["o", "c", "x", "o", "s"]);
    assert_eq!((done[2], done[4]), (0, EIO));
}

#[test]
fn a_full_disk_takes_what_fits_and_is_freed() {
    let bench = Bench::new();
    let mut control = bench.control("one");
    let room = |room| Orders {
        room,
        ..Orders::default()
    };
    control.order(&room(Some(100))).expect("an order");
    let words = [
        "o",
        "w0,80,a",
        "w0,80,b",
        "w80,80,c",
        "w100,80,c",
        "w0,100,d",
        "p",
        "w100,80,e",
    ];
    let mut subject = bench.start(&control, sqlite::FILE_NAME, &words);
    let mut out = subject.stdout.take().expect("its output");
    // It prints what it has when it waits.
    let mut first = [0; 256];
    let mut read = 0;
    while first[..read].iter().filter(|b| **b == b'\n').count() < 6 {
        read += out.read(&mut first[read..]).expect("its output");
    }
    // What is there already takes no room.
    assert_eq!(numbers(&first[..read])[1..], [80, 80, 20, ENOSPC, 100]);
    control.order(&room(None)).expect("an order");
    subject
        .stdin
        .take()
        .expect("its input")
        .write_all(b"x")
        .expect("it listens");
    let mut rest = Vec::new();
    out.read_to_end(&mut rest).expect("its output");
    assert!(subject.wait().expect("it ends").success());
    assert_eq!(numbers(&rest)[1..], [80]);
    assert_eq!(control.counts().expect("counts").no_room, 1);
}

#[test]
fn the_wall_clock_jumps_and_the_other_one_does_not() {
    let bench = Bench::new();
    let mut control = bench.control("one");
    let words = ["r", "g", "e", "m"];
    let offset = |clock_offset_ms| Orders {
        clock_offset_ms,
        ..Orders::default()
    };
    let now = bench.run(&control, "x", &words);
    for jump in [HOUR_MS + 999, -HOUR_MS - 999, -1] {
        control.order(&offset(jump)).expect("an order");
        let then = bench.run(&control, "x", &words);
        let jumped = |place: usize| then[place] - now[place] - jump;
        assert!(
            (0..60_000).contains(&jumped(0)),
            "{jump}: {now:?}, {then:?}"
        );
        assert!(
            (0..60_000).contains(&jumped(1)),
            "{jump}: {now:?}, {then:?}"
        );
        assert!(
            (-1_000..60_000).contains(&jumped(2)),
            "{jump}: {now:?}, {then:?}"
        );
        assert!(
            (0..60_000).contains(&(then[3] - now[3])),
            "{now:?}, {then:?}"
        );
    }
}

#[test]
fn everything_is_recorded_in_its_order() {
    let bench = Bench::new();
    let mut control = bench.control("one").recording().expect("a journal");
    let orders = Orders {
        fail_fsync: Some(2),
        fail_write: Some(2),
        ..Orders::default()
    };
    control.order(&orders).expect("an order");
    let words = ["o", "w7,3,a", "s", "w9,9,x", "t5", "f", "s", "u", "o"];
    bench.run(&control, sqlite::FILE_NAME, &words);
    assert!(control.journal_bytes().expect("a journal") > 0);
    let journal = Journal::read(control.journal()).expect("a journal");
    assert_eq!(journal.len(), control.journal_bytes().expect("a journal"));
    let found: Vec<(Name, &What)> = journal.entries.iter().map(|e| (e.name, &e.what)).collect();
    let expected = [
        (Name::Database, &What::Created),
        (Name::Database, &What::Written(7, 64..67)),
        (Name::Database, &What::Synced(67)),
        (Name::Database, &What::Truncated(5)),
        (Name::Folder, &What::Synced(131)),
        (Name::Database, &What::SyncFailed(163)),
        (Name::Database, &What::Removed),
        (Name::Database, &What::Created),
    ];
    assert_eq!(found, expected);
    assert_eq!(journal.bytes(64..67), b"aaa");
}

/// The control of all that is to come: a disk that says that all is well, and keeps nothing.
#[test]
fn a_lie_is_no_fsync() {
    let bench = Bench::new();
    let mut control = bench.control("one").recording().expect("a journal");
    let lie = Orders {
        lie: true,
        ..Orders::default()
    };
    control.order(&lie).expect("an order");
    let done = bench.run(&control, sqlite::FILE_NAME, &["o", "w0,4,a", "s", "f"]);
    assert_eq!(done[1..], [4, 0, 0]);
    let counts = control.counts().expect("counts");
    assert_eq!((counts.lies, counts.fsyncs), (1, 1));
    let journal = Journal::read(control.journal()).expect("a journal");
    let is_sync = |what: &What| matches!(what, What::Synced(_) | What::SyncFailed(_));
    assert!(!journal.entries.iter().any(|entry| is_sync(&entry.what)));
}
