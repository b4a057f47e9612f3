//! A server that was started again is held against what its clients were told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use agent_bridge::storage::sqlite;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};

use super::publishers::{Told, client_name, room_name};
use crate::chaos::outcome::Outcome;
use crate::chaos::peer::Peer;
use crate::chaos::server::{Server, Start};

/// Records of one page of a room's log.
const PAGE: &str = "500";
/// Pages of one room: more than any trial writes.
const PAGES_MAX: usize = 10_000;

/// What must be there, and what is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::chaos::trials) struct Verdict {
    /// Told, and looked for.
    pub(in crate::chaos::trials) checked: u64,
    /// Told, and not there, or something else is in its place.
    pub(in crate::chaos::trials) lost: u64,
    /// Texts that are there more than once.
    pub(in crate::chaos::trials) duplicates: u64,
    /// Rooms whose seq has a gap.
    pub(in crate::chaos::trials) gaps: u64,
    /// Refused, and there all the same.
    pub(in crate::chaos::trials) refused_but_there: u64,
    /// Repeats of what was acknowledged that were not answered with the original.
    pub(in crate::chaos::trials) repeats_stored_again: u64,
    /// Databases of which SQLite says that they are damaged.
    pub(in crate::chaos::trials) damaged: u64,
    /// Servers that did not start, or did not acknowledge anything new.
    pub(in crate::chaos::trials) unusable: u64,
    /// What was found first, in words.
    pub(in crate::chaos::trials) first: Option<String>,
}

impl Verdict {
    pub(in crate::chaos::trials) fn add(&mut self, other: Self) {
        self.checked += other.checked;
        self.lost += other.lost;
        self.duplicates += other.duplicates;
        self.gaps += other.gaps;
        self.refused_but_there += other.refused_but_there;
        self.repeats_stored_again += other.repeats_stored_again;
        self.damaged += other.damaged;
        self.unusable += other.unusable;
        self.first = self.first.take().or(other.first);
    }

    /// Adds the figures, all of which must be nothing but the first.
    pub(in crate::chaos::trials) fn tell(self, outcome: &mut Outcome) {
        outcome.figure("told_and_checked", self.checked);
        outcome.must_be_zero("false_acknowledgements", self.lost);
        outcome.must_be_zero("false_refusals", self.refused_but_there);
        outcome.must_be_zero("duplicates", self.duplicates);
        outcome.must_be_zero("gaps", self.gaps);
        outcome.must_be_zero("repeats_stored_again", self.repeats_stored_again);
        outcome.must_be_zero("integrity_failures", self.damaged);
        outcome.must_be_zero("restarts_failed", self.unusable);
        if self.checked == 0 {
            outcome.flaw("nobody was told anything: nothing was tried");
        }
        if let Some(first) = self.first {
            outcome.flaw(first);
        }
    }

    fn note(&mut self, what: impl FnOnce() -> String) {
        self.first.get_or_insert_with(what);
    }
}

/// What the clients were told, each event once, and when at the earliest.
#[derive(Debug, Default)]
pub(in crate::chaos::trials) struct Promises {
    rooms: BTreeMap<usize, BTreeMap<u64, Told>>,
    refused: BTreeSet<String>,
    /// Told differently by two clients.
    contradictions: Vec<String>,
}

impl Promises {
    pub(in crate::chaos::trials) fn new(told: Vec<Told>, refused: Vec<String>) -> Self {
        let mut promises = Self {
            refused: refused.into_iter().collect(),
            ..Self::default()
        };
        for told in told {
            promises.take(told);
        }
        promises
    }

    fn take(&mut self, told: Told) {
        let room = self.rooms.entry(told.room).or_default();
        let Some(known) = room.get_mut(&told.seq) else {
            room.insert(told.seq, told);
            return;
        };
        if known.what != told.what {
            let both = format!("{known:?} and {told:?}");
            self.contradictions.push(both);
        }
        known.journal = known.journal.min(told.journal);
        if told.is_answer {
            (known.client, known.is_answer) = (told.client, true);
        }
    }

    /// The journal's lengths when something was told: where a cut is hardest.
    pub(in crate::chaos::trials) fn moments(&self) -> Vec<u64> {
        let told = self.rooms.values().flat_map(BTreeMap::values);
        told.map(|told| told.journal).collect()
    }

    /// Starts a server on the data and holds it against what was told until the journal had so many
    /// bytes.
    pub(in crate::chaos::trials) async fn judge(
        &self,
        start: Start,
        data_dir: &Path,
        until: u64,
    ) -> Result<Verdict, String> {
        let mut verdict = Verdict::default();
        for both in &self.contradictions {
            verdict.duplicates += 1;
            verdict.note(|| format!("two clients were told different things: {both}"));
        }
        let due = |told: &&Told| told.journal <= until;
        match start.go() {
            Err(why) => {
                let told = self.rooms.values().flat_map(BTreeMap::values);
                verdict.checked = told.filter(due).count() as u64;
                verdict.lost = verdict.checked;
                verdict.unusable = 1;
                verdict.note(|| why);
            }
            Ok(server) => {
                for (&room, told) in &self.rooms {
                    let told: Vec<&Told> = told.values().filter(due).collect();
                    self.judge_room(&server, room, &told, &mut verdict).await?;
                }
                drop(server);
            }
        }
        if let Err(why) = integrity(data_dir) {
            verdict.damaged += 1;
            verdict.note(|| why);
        }
        Ok(verdict)
    }

    async fn judge_room(
        &self,
        server: &Server,
        room: usize,
        told: &[&Told],
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let reader = told.first().map_or(room, |told| told.client);
        let events = match events(server, room, reader).await {
            Ok(events) => events,
            // Nothing of it need be there yet.
            Err(_) if told.is_empty() => Vec::new(),
            Err(why) => {
                verdict.note(|| why);
                Vec::new()
            }
        };
        if !events
            .iter()
            .zip(1..)
            .all(|(event, seq)| event["seq"] == seq)
        {
            verdict.gaps += 1;
            verdict.note(|| format!("{} has a gap", room_name(room)));
        }
        let mut texts: HashMap<&str, u64> = HashMap::new();
        for event in &events {
            *texts.entry(what(event)).or_default() += u64::from(event["kind"] == "posted");
        }
        for (text, times) in &texts {
            if *times > 1 {
                verdict.duplicates += 1;
                verdict.note(|| format!("{text} is there {times} times"));
            }
            if self.refused.contains(*text) {
                verdict.refused_but_there += 1;
                verdict.note(|| format!("{text} was refused, and is there"));
            }
        }
        for told in told {
            verdict.checked += 1;
            let place = usize::try_from(told.seq - 1).map_err(|_| "an absurd seq")?;
            let found = events.get(place);
            if found.is_none_or(|event| what(event) != told.what) {
                verdict.lost += 1;
                verdict.note(|| format!("{told:?} was told, and there is {found:?}"));
            }
        }
        if told.is_empty() {
            return Ok(());
        }
        if let Err(why) = go_on(server, room, told, events.len() as u64, verdict).await {
            verdict.unusable += 1;
            verdict.note(|| format!("{}: {why}", room_name(room)));
        }
        Ok(())
    }
}

/// A post that was acknowledged is repeated, and a new one is made: the server must know the first
/// and take the second.
async fn go_on(
    server: &Server,
    room: usize,
    told: &[&Told],
    head: u64,
    verdict: &mut Verdict,
) -> Result<(), String> {
    let Some(last) = told.iter().rev().find(|told| told.is_answer) else {
        return Ok(());
    };
    let mut peer = Peer::watching(server, &client_name(last.client)).await?;
    let post = |text: &str| {
        let room = room_name(room);
        json!({"type": "post", "room": room, "text": text, "key": text})
    };
    let repeated = peer.must(post(&last.what)).await?;
    if repeated["seq"] != last.seq || repeated["duplicate"] != true {
        verdict.repeats_stored_again += 1;
        verdict.note(|| format!("{last:?} was repeated, and the answer is {repeated}"));
        return Ok(());
    }
    let new = peer.must(post(&format!("behind {head}"))).await?;
    if new["seq"] != head + 1 {
        return Err(format!("a new post behind {head} events is {new}"));
    }
    Ok(())
}

/// The text of a post; of other events their kind.
fn what(event: &Value) -> &str {
    let text = event["text"].as_str().or_else(|| event["kind"].as_str());
    text.unwrap_or_default()
}

/// A room's whole log, as one of its members reads it.
async fn events(server: &Server, room: usize, reader: usize) -> Result<Vec<Value>, String> {
    let rest = server.rest(&client_name(reader))?;
    let name = room_name(room);
    let mut events: Vec<Value> = Vec::new();
    for _ in 0..PAGES_MAX {
        let after = events
            .last()
            .map_or(0, |event| event["seq"].as_u64().unwrap_or_default());
        let query = [("after", after.to_string()), ("limit", PAGE.to_owned())];
        let page = rest.get(&["v1", "rooms", &name, "events"], &query).await;
        let mut page = page.map_err(|why| format!("reading {name}: {why}"))?;
        let Some(items) = page["items"]
            .as_array_mut()
            .filter(|items| !items.is_empty())
        else {
            return Ok(events);
        };
        events.append(items);
    }
    Err(format!("{name} has no end"))
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

/// What SQLite itself says of the file.
fn integrity(data_dir: &Path) -> Result<(), String> {
    let path = data_dir.join(sqlite::FILE_NAME);
    let path = path.to_str().ok_or("a path that is not UTF-8")?;
    let failed = |why: &dyn std::fmt::Display| format!("PRAGMA integrity_check: {why}");
    let mut database = SqliteConnection::establish(path).map_err(|why| failed(&why))?;
    let lines: Vec<Line> = diesel::sql_query("PRAGMA integrity_check")
        .load(&mut database)
        .map_err(|why| failed(&why))?;
    let lines: Vec<String> = lines.into_iter().map(|line| line.integrity_check).collect();
    if lines == ["ok"] {
        return Ok(());
    }
    Err(failed(&lines.join(" / ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(seq: u64, what: &str, client: usize, is_answer: bool, journal: u64) -> Told {
        Told {
            room: 0,
            seq,
            what: what.to_owned(),
            client,
            is_answer,
            journal,
        }
    }

    /// What several were told is one promise, given when the first of them was told; who posted it
    /// can repeat it.
    #[test]
    fn a_promise_counts_from_when_it_was_given_first() {
        let told = vec![told(1, "hi", 7, false, 300), told(1, "hi", 8, true, 500)];
        let promises = Promises::new(told, Vec::new());
        assert_eq!(promises.moments(), [300]);
        let known = &promises.rooms[&0][&1];
        assert_eq!((known.client, known.is_answer), (8, true));
        assert!(promises.contradictions.is_empty());
    }

    #[test]
    fn two_who_were_told_differently_are_a_contradiction() {
        let told = vec![told(1, "hi", 7, true, 1), told(1, "ho", 8, true, 1)];
        assert_eq!(Promises::new(told, Vec::new()).contradictions.len(), 1);
    }

    #[test]
    fn a_file_that_is_no_database_is_damaged() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(sqlite::FILE_NAME);
        std::fs::write(&path, [7; 8_192]).expect("a file");
        assert!(integrity(folder.path()).is_err());
        std::fs::write(&path, []).expect("a file");
        assert_eq!(integrity(folder.path()), Ok(()));
    }
}
