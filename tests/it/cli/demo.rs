//! `agent-bridge serve --demo`

use std::process::Stdio;

use crate::support::binary::said;
use crate::support::program;

#[test]
fn the_demo_tells_its_story_and_ends() {
    let mut command = program();
    command
        .args(["serve", "--demo", "--bind", "127.0.0.1:0"])
        .stdin(Stdio::null());
    // It is told at the speed of reading; it ends by itself because nobody watches.
    let told = said(command.output().expect("the program can be run"));
    // A long line is broken between its words.
    let lines: Vec<_> = told.out.lines().map(str::trim_start).collect();
    let flat = lines.join(" ");
    assert_eq!(told.code, Some(0), "{}", told.err);
    for word in [
        "maya",
        "ravi",
        "chen",
        "rosa",
        "tomas",
        "resumed from",
        "duplicate: true",
        "stored: msg_",
        "receipt: delivered by rosa",
        "receipt: seen by rosa",
        "receipt: done by rosa",
        "answered by msg_",
        "1 question: delivered, seen, done, as its sender was told",
        "put motion A to the vote, by consensus: We keep our data in SQLite.",
        "criticised motion A (blocking, critique #",
        "as an alternative to motion A",
        "runs gate --decision motion B: exit code 2",
        "spoke for motion B: ",
        "spoke against motion B: ",
        "is adopted, ballots are void: version 2 of motion B",
        "refused, stale_version",
        "→ version 2 of motion B is approved: 5 approve",
        "→ motion A is superseded by motion B",
        "runs gate --decision motion B: exit code 0",
        "1 decision: 2 motions and 7 ballots, 2 of them void; version 2 approved by 5 of 5; the gate \
         said 2 and then 0",
    ] {
        assert!(flat.contains(word), "without {word:?}: {}", told.out);
    }
    let folder = told
        .out
        .lines()
        .next()
        .and_then(|line| line.rsplit_once(" in "));
    let (_, folder) = folder.expect("it says where its data is");
    assert!(
        !std::path::Path::new(folder).exists(),
        "{folder} is left behind"
    );
}
