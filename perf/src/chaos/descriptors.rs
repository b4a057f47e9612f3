//! How many sockets this program may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the bound as far as it goes: what is allowed at the start is often a thousand. Servers that
/// are started inherit it.
pub(super) fn raise() {
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
pub(super) fn allowed() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}
