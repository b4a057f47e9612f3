//! How many files and sockets the process may have open.

use bridge_core::limits;

/// Descriptors that a server with so many connections needs.
#[must_use]
pub const fn needed(connections_max: usize) -> u64 {
    (connections_max * limits::CONNECTION_DESCRIPTORS + limits::DESCRIPTORS_SPARE) as u64
}

/// Raises the process's own bound as far as it may, and says so when that is not enough. What was
/// allowed at the start is often a thousand, whatever the machine could do.
pub fn raise(connections_max: usize) {
    let needed = needed(connections_max);
    let allowed = raised(needed);
    if allowed < needed {
        tracing::warn!(
            allowed,
            needed,
            connections = connections_max,
            "fewer files may be open than sessions.total and sessions.event_streams need; \
             newcomers will not get in then: raise the limit (ulimit -Hn, LimitNOFILE)"
        );
    } else {
        tracing::debug!(allowed, needed, "enough files may be open");
    }
}

/// How many may be open now.
#[cfg(unix)]
fn raised(needed: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let resource = Resource::Nofile;
    let Rlimit { current, maximum } = getrlimit(resource);
    // Some systems do not take the hard one, when that is endless; they take what is needed.
    for wanted in [maximum, Some(needed.min(maximum.unwrap_or(u64::MAX)))] {
        let is_more = wanted.unwrap_or(u64::MAX) > current.unwrap_or(u64::MAX);
        let raised = Rlimit {
            current: wanted,
            maximum,
        };
        if is_more && setrlimit(resource, raised).is_ok() {
            break;
        }
    }
    getrlimit(resource).current.unwrap_or(u64::MAX)
}

/// Elsewhere only the client commands are used.
#[cfg(not(unix))]
fn raised(needed: u64) -> u64 {
    needed
}
