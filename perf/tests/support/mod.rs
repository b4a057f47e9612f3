//! What several of these tests need.

use std::path::{Path, PathBuf};

/// The server's program, which is another package's: Cargo builds it here only with the whole
/// workspace.
pub(crate) fn server() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_perf")).with_file_name("agent-bridge");
    let program = beside.with_extension(std::env::consts::EXE_EXTENSION);
    assert!(
        program.is_file(),
        "{} is not there; build it first: cargo build, or test the whole workspace: cargo nextest \
         run --workspace",
        program.display()
    );
    program
}
