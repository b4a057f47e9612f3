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
    ] {
        assert!(told.out.contains(word), "without {word:?}: {}", told.out);
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
