//! Who used the processor, as Linux tells it in `/proc`. Elsewhere there is nothing to tell.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Serialize;

/// Ticks of a second in `/proc`: Linux promises 100 to programs, whatever the kernel uses.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct CpuSeconds {
    pub(crate) user: f64,
    pub(crate) system: f64,
    /// Ready to run, but waiting for a core.
    pub(crate) waiting: f64,
}

impl CpuSeconds {
    pub(crate) fn busy(&self) -> f64 {
        self.user + self.system
    }

    fn add(&mut self, other: &Self) {
        self.user += other.user;
        self.system += other.system;
        self.waiting += other.waiting;
    }

    fn minus(&self, earlier: &Self) -> Self {
        Self {
            user: (self.user - earlier.user).max(0.0),
            system: (self.system - earlier.system).max(0.0),
            waiting: (self.waiting - earlier.waiting).max(0.0),
        }
    }
}

/// A process, by the names of its threads.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct ProcessCpu(pub(crate) BTreeMap<String, CpuSeconds>);

impl ProcessCpu {
    /// What a process has used until now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let mut threads: BTreeMap<String, CpuSeconds> = BTreeMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
            let Some((name, mut used)) = read(&entry.path(), "stat").and_then(|t| thread(&t))
            else {
                continue;
            };
            let waited = read(&entry.path(), "schedstat").and_then(|text| waited(&text));
            used.waiting = waited.unwrap_or_default();
            threads.entry(family(&name)).or_default().add(&used);
        }
        Some(Self(threads))
    }

    pub(crate) fn minus(&self, earlier: &Self) -> Self {
        let none = CpuSeconds::default();
        let since = |(name, now): (&String, &CpuSeconds)| {
            let earlier = earlier.0.get(name).unwrap_or(&none);
            (name.clone(), now.minus(earlier))
        };
        Self(self.0.iter().map(since).collect())
    }

    pub(crate) fn total(&self) -> CpuSeconds {
        let mut total = CpuSeconds::default();
        for used in self.0.values() {
            total.add(used);
        }
        total
    }
}

/// All processors together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct MachineCpu {
    pub(crate) busy: f64,
    pub(crate) idle: f64,
    /// Idle, while something waited for the disk.
    pub(crate) disk_wait: f64,
    /// Taken by the host of a virtual machine.
    pub(crate) stolen: f64,
}

impl MachineCpu {
    pub(crate) fn now() -> Option<Self> {
        machine(&fs::read_to_string("/proc/stat").ok()?)
    }

    pub(crate) fn total(&self) -> f64 {
        self.busy + self.idle + self.disk_wait + self.stolen
    }

    pub(crate) fn minus(&self, earlier: &Self) -> Self {
        Self {
            busy: (self.busy - earlier.busy).max(0.0),
            idle: (self.idle - earlier.idle).max(0.0),
            disk_wait: (self.disk_wait - earlier.disk_wait).max(0.0),
            stolen: (self.stolen - earlier.stolen).max(0.0),
        }
    }
}

/// The cores that a process may run on.
pub(crate) fn allowed_cores(pid: u32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    let cores = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(cores.trim().to_owned())
}

/// Resident memory of a process.
pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    let resident = lines.find_map(|line| line.strip_prefix("VmRSS:"))?;
    resident.split_ascii_whitespace().next()?.parse().ok()
}

fn read(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

/// Threads of one kind have one name with a number: `actix-rt|system:0|arbiter:1`.
fn family(name: &str) -> String {
    let trimmed = name.trim_end_matches(|c: char| c.is_ascii_digit() || ":-_|#".contains(c));
    if trimmed.is_empty() { name } else { trimmed }.to_owned()
}

/// The name and the ticks in a `stat` line. The name may hold spaces and brackets.
fn thread(stat: &str) -> Option<(String, CpuSeconds)> {
    let (begin, end) = (stat.find('(')?, stat.rfind(')')?);
    let name = stat.get(begin + 1..end)?.to_owned();
    // The state is the first field behind the name, and the third of the line.
    let fields: Vec<&str> = stat.get(end + 1..)?.split_ascii_whitespace().collect();
    let ticks = |place: usize| fields.get(place - 3)?.parse::<f64>().ok();
    let used = CpuSeconds {
        user: ticks(14)? / TICKS_PER_SECOND,
        system: ticks(15)? / TICKS_PER_SECOND,
        waiting: 0.0,
    };
    Some((name, used))
}

/// Seconds that a thread waited for a core: the second number, in nanoseconds.
fn waited(schedstat: &str) -> Option<f64> {
    let nanos: f64 = schedstat.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(nanos / 1e9)
}

fn machine(stat: &str) -> Option<MachineCpu> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line
        .split_ascii_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    let [
        user,
        nice,
        system,
        idle,
        disk_wait,
        irq,
        softirq,
        stolen,
        ..,
    ] = ticks[..]
    else {
        return None;
    };
    Some(MachineCpu {
        busy: (user + nice + system + irq + softirq) / TICKS_PER_SECOND,
        idle: idle / TICKS_PER_SECOND,
        disk_wait: disk_wait / TICKS_PER_SECOND,
        stolen: stolen / TICKS_PER_SECOND,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_whatever_its_name() {
        let stat = "17 (a) b (c) S 1 17 17 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 4 0 1 2 3";
        let (name, used) = thread(stat).expect("a thread");
        assert_eq!(name, "a) b (c");
        assert_eq!((used.user, used.system), (2.5, 0.5));
        assert_eq!(thread("17 (x) S 1"), None);
        assert_eq!(thread(""), None);
    }

    #[test]
    fn threads_of_a_kind_count_together() {
        for (name, kind) in [
            ("actix-rt|system:0|arbiter:1", "actix-rt|system:0|arbiter"),
            ("log-writer", "log-writer"),
            ("r2d2-worker-2", "r2d2-worker"),
            ("42", "42"),
        ] {
            assert_eq!(family(name), kind);
        }
    }

    #[test]
    fn the_machine_is_the_first_line() {
        let stat = "cpu  100 0 50 800 40 5 5 10 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        let found = machine(stat).expect("a machine");
        let expected = MachineCpu {
            busy: 1.6,
            idle: 8.0,
            disk_wait: 0.4,
            stolen: 0.1,
        };
        assert_eq!(found, expected);
        assert_eq!(machine("cpu  1 2\n"), None);
    }

    #[test]
    fn a_span_is_a_difference_and_never_negative() {
        let used = |user| {
            let seconds = CpuSeconds {
                user,
                ..CpuSeconds::default()
            };
            ProcessCpu([("x".to_owned(), seconds)].into())
        };
        assert_eq!(used(3.0).minus(&used(1.0)).total().busy(), 2.0);
        assert_eq!(used(1.0).minus(&used(3.0)).total().busy(), 0.0);
        assert_eq!(used(1.0).minus(&ProcessCpu::default()).total().busy(), 1.0);
        assert_eq!(waited("12 2500000000 7"), Some(2.5));
    }
}
