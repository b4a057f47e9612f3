//! Who runs the server: PostgreSQL refuses to be run by root.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Users without rights, in the order in which they are taken.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Another user than ours, or nobody else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User(Option<(u32, u32)>);

impl User {
    /// Ourselves, unless that is root.
    pub(crate) fn for_a_server() -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let users = std::fs::read_to_string("/etc/passwd");
        let users = users.map_err(|why| format!("/etc/passwd: {why}"))?;
        let found = UNPRIVILEGED.iter().find_map(|name| ids(&users, name));
        found
            .map(|ids| Self(Some(ids)))
            .ok_or_else(|| "there is no user without rights to run PostgreSQL as".to_owned())
    }

    /// Gives it a folder.
    pub(crate) fn take(self, folder: &Path) -> Result<(), String> {
        let Some((user, group)) = self.0 else {
            return Ok(());
        };
        std::os::unix::fs::chown(folder, Some(user), Some(group))
            .map_err(|why| format!("{}: {why}", folder.display()))
    }

    /// Makes a command run as this user.
    pub(crate) fn run(self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
    }
}

/// The numbers of a user and of its group.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let mut users = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let fields = users.find(|fields| fields.first() == Some(&name))?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[test]
fn a_user_is_found_by_its_name() {
    let users = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/:/bin/false\n";
    assert_eq!(ids(users, "nobody"), Some((65_534, 65_533)));
    assert_eq!(ids(users, "postgres"), None);
}
