//! A faulty machine under the real server: its disk fails, fills, lies or loses what was not synced,
//! and its wall clock jumps.
//!
//! It needs no privileges. A small library (`machine/shim.c`) is built when the trial begins and put
//! in front of the C library by `LD_PRELOAD`; so what is tested is the program that is shipped, and
//! the SQLite in it. Only the database's files are concerned: the database, its write-ahead log and
//! its rollback journal. What is not in between: `mmap`, by which SQLite writes nothing but the index
//! in shared memory, which no power cut survives anyway.

mod control;
mod image;
mod journal;

use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) use control::{Control, Counts, Orders};
pub(super) use image::Damage;
pub(super) use journal::Journal;

const SHIM: &str = include_str!("machine/shim.c");
const COMPILER: &str = "cc";

/// The library, built.
#[derive(Debug)]
pub(super) struct Machine {
    folder: PathBuf,
    library: PathBuf,
}

impl Machine {
    /// Builds it into a folder, which must not be one of a server.
    ///
    /// # Errors
    /// Why there is none on this system.
    pub(super) fn build(folder: &Path) -> Result<Self, String> {
        if !cfg!(all(target_os = "linux", target_pointer_width = "64")) {
            return Err(format!(
                "the faulty machine is made for Linux on 64 bits, and this is {}",
                std::env::consts::OS
            ));
        }
        let source = folder.join("machine.c");
        let library = folder.join("machine.so");
        std::fs::write(&source, SHIM).map_err(|why| format!("{}: {why}", source.display()))?;
        let mut compiler = Command::new(COMPILER);
        compiler.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared"]);
        compiler.args(["-pthread", "-o"]).arg(&library).arg(&source);
        compile(compiler)?;
        Ok(Self {
            folder: folder.to_owned(),
            library,
        })
    }

    /// The machine for one life of a server on this data folder, which must be there. The name is
    /// that of its files, and must be another one each time.
    pub(super) fn control(&self, data_dir: &Path, name: &str) -> Result<Control, String> {
        let data_dir = data_dir.canonicalize();
        let data_dir = data_dir.map_err(|why| format!("the data folder: {why}"))?;
        Control::create(&self.library, data_dir, &self.folder.join(name))
    }
}

fn compile(mut compiler: Command) -> Result<(), String> {
    let output = compiler.output();
    let output = output.map_err(|why| format!("there is no C compiler ({COMPILER}): {why}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().find(|line| line.contains("error"));
    Err(format!(
        "the C compiler ({COMPILER}) refuses the faulty machine: {}",
        first.unwrap_or("it does not say why")
    ))
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests;
