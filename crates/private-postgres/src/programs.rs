//! PostgreSQL's programs. Not everywhere are they where programs are looked for.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where packages put them, a folder a version.
const FOLDERS: [&str; 4] = [
    "/usr/lib/postgresql",
    "/opt/homebrew/opt",
    "/usr/local/opt",
    "/usr",
];

/// The folder with the programs.
#[derive(Debug, Clone)]
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Those of the newest version.
    pub(crate) fn find() -> Result<Self, String> {
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        let mut found: Vec<(u32, PathBuf)> = FOLDERS
            .iter()
            .flat_map(|folder| versions(Path::new(folder)))
            .collect();
        found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        let packaged = found.into_iter().map(|(_, folder)| folder);
        let mut folders = packaged.chain(std::env::split_paths(&on_path));
        let is_complete = |folder: &PathBuf| {
            ["initdb", "postgres", "pg_isready", "createdb", "psql"]
                .iter()
                .all(|program| folder.join(program).is_file())
        };
        folders.find(is_complete).map(Self).ok_or_else(|| {
            "PostgreSQL's server is not installed here; install the package `postgresql`, or put \
             the folder with `initdb` and `postgres` into PATH"
                .to_owned()
        })
    }

    /// One of them, without the settings of whoever runs the tests.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.0.join(program));
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        command
    }
}

/// The folders of this one that are named after a version, as `15` or `postgresql@15`, with their
/// programs.
fn versions(folder: &Path) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let version = name.strip_prefix("postgresql@").unwrap_or(name);
        if let Ok(version) = version.trim_start_matches("pgsql-").parse() {
            found.push((version, entry.path().join("bin")));
        }
    }
    found
}
