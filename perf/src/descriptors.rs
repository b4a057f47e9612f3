//! How many sockets this program may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the bound as far as it goes: what is allowed at the start is often a thousand. Servers that
/// are started inherit it.
pub(crate) fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return;
    }
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(why) = setrlimit(Resource::Nofile, raised) {
        eprintln!("no more than {current:?} files may be open: {why}");
    }
}

/// How many may be open; `None` is as many as there are.
pub(crate) fn allowed() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Whether so many connections fit. One is an open file here, and two in a server of our own, which is
/// bound by what this program is. There, and here, other files are open too.
pub(crate) fn suffice(connections: usize, with_server: bool) -> Result<(), String> {
    suffice_of(connections, with_server, allowed())
}

fn suffice_of(connections: usize, with_server: bool, allowed: Option<u64>) -> Result<(), String> {
    const SPARE: usize = 64;
    let ours = (connections + SPARE) as u64;
    let theirs = agent_bridge::descriptors::needed(connections);
    let needed = if with_server { ours.max(theirs) } else { ours };
    let allowed = allowed.unwrap_or(u64::MAX);
    if needed <= allowed {
        return Ok(());
    }
    Err(format!(
        "{connections} connections need {needed} open files, and {allowed} are allowed here: raise the limit \
         (ulimit -Hn), or ask for fewer"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_said_before() {
        assert_eq!(suffice_of(500, true, Some(1_200)), Ok(()));
        assert_eq!(suffice_of(10_000, true, None), Ok(()));
        assert_eq!(suffice_of(1_000, false, Some(1_200)), Ok(()));
        let why = suffice_of(1_000, true, Some(1_200)).expect_err("two for each");
        assert!(why.contains("2128") && why.contains("1200"), "{why}");
        assert!(suffice_of(10_000, false, Some(10_000)).is_err());
    }
}
