//! The files that the rules look at.

use std::fs;
use std::path::Path;

pub(super) struct TextFile {
    /// Relative to the repository, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
}

/// Top-level folders that are no part of the project: history, build output, a
/// local server's data. A folder of the same name further down is searched.
fn is_skipped(path: &str) -> bool {
    matches!(path, ".git" | "data" | "target") || path.starts_with("target-")
}

/// In a second working tree, git keeps a path of this machine in a file of this name.
const GIT_FILE: &str = ".git";

/// Every text file of the repository. The walk does not ask git, so that a
/// source archive can be tested, too.
pub(super) fn text_files() -> Vec<TextFile> {
    let mut files = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    files
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<TextFile>) {
    let entries = fs::read_dir(folder).expect("a folder of the repository can be listed");
    for entry in entries {
        let entry = entry.expect("an entry of a folder can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        // The kind of the entry itself: a symbolic link is not followed.
        let kind = entry.file_type().expect("an entry has a file type");
        if kind.is_dir() && !is_skipped(&path) {
            walk(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() && path != GIT_FILE {
            files.extend(read(&entry.path()).map(|text| TextFile { path, text }));
        }
    }
}

/// `None` for a file that is not text, or that another test has just removed.
fn read(path: &Path) -> Option<String> {
    String::from_utf8(fs::read(path).ok()?).ok()
}

/// Code that only runs in tests: judged by name, like Cargo does it.
pub(super) fn is_test_file(path: &str) -> bool {
    path.split('/')
        .any(|part| part == "tests" || part == "tests.rs")
}

pub(super) fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

/// Rust code that is built into something we ship.
pub(super) fn is_product_code(path: &str) -> bool {
    let ours = path.starts_with("src/") || path.starts_with("crates/") || path.starts_with("perf/");
    is_rust(path) && ours
}

#[test]
fn only_top_level_folders_are_skipped() {
    assert!(is_skipped("target") && is_skipped("target-coverage") && is_skipped(".git"));
    assert!(!is_skipped("src/target") && !is_skipped("targets") && !is_skipped(".github"));
}

#[test]
fn test_files_are_known_by_their_name() {
    assert!(is_test_file("tests/it/main.rs"));
    assert!(is_test_file("crates/bridge-core/src/room/tests.rs"));
    assert!(is_test_file("crates/bridge-core/tests/laws.rs"));
    assert!(!is_test_file("src/actors/room.rs"));
    assert!(!is_test_file("crates/bridge-core/src/contests.rs"));
}
