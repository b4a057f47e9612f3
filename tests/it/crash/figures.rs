//! What a run is judged by.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::client::Client;

#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) acknowledged: usize,
    pub(super) restarts: Vec<Duration>,
    stored: usize,
    lost: usize,
    duplicates: usize,
    gaps: usize,
    changed: usize,
    unlike: usize,
    incomplete: u32,
    repeated: u32,
    found_again: u32,
}

impl Figures {
    /// Holds a room's log against what its two clients were told.
    pub(super) fn check_room(&mut self, events: &[Value], clients: &[&Client]) {
        let is_dense = |(place, event): (usize, &Value)| event["seq"] == place as u64 + 1;
        self.gaps += usize::from(!events.iter().enumerate().all(is_dense));
        let mut posts: HashMap<&str, Vec<&Value>> = HashMap::new();
        for event in events.iter().filter(|event| event["kind"] == "posted") {
            let text = event["text"].as_str().expect("a post has a text");
            posts.entry(text).or_default().push(event);
            self.stored += 1;
        }
        self.duplicates += posts.values().filter(|found| found.len() > 1).count();
        for client in clients {
            for (text, told) in &client.acknowledged {
                match posts.get(text.as_str()).and_then(|found| found.first()) {
                    None => self.lost += 1,
                    Some(stored) => self.changed += usize::from(*stored != told),
                }
            }
            // Told once and in order: a run of the log, from wherever it came in.
            let from = client
                .seen
                .first()
                .and_then(|event| event["seq"].as_u64())
                .unwrap_or(1);
            let from = usize::try_from(from).expect("a short log") - 1;
            let log = events.iter().skip(from);
            let is_run = client.seen.len() + from <= events.len()
                && client.seen.iter().eq(log.take(client.seen.len()));
            self.unlike += usize::from(!is_run);
            self.incomplete += client.incomplete;
            self.repeated += client.repeated;
            self.found_again += client.found_again;
        }
    }

    /// With so many acknowledged posts at least.
    pub(super) fn assert_sound(&self, acknowledged: usize) {
        assert!(
            self.acknowledged > acknowledged,
            "hardly anything was written: {self}"
        );
        let bad = [
            self.lost,
            self.duplicates,
            self.gaps,
            self.changed,
            self.unlike,
        ];
        assert_eq!(bad, [0; 5], "{self}");
        assert_eq!(self.incomplete, 0, "{self}");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restarts: Vec<_> = self.restarts.iter().map(Duration::as_millis).collect();
        write!(
            f,
            "acknowledged {} (of {} stored), lost {}, duplicates {}, rooms with a gap {}, answers \
             that differ {}, readers that saw another log {}, incomplete resumes {}, repeated {} \
             of which found again {}, restart to first acknowledgement {restarts:?} ms",
            self.acknowledged,
            self.stored,
            self.lost,
            self.duplicates,
            self.gaps,
            self.changed,
            self.unlike,
            self.incomplete,
            self.repeated,
            self.found_again,
        )
    }
}
