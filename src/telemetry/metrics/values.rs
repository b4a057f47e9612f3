//! Values of labels that users have chosen, and how many of them there may be.

use std::collections::{BTreeSet, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// What stands for everybody without a value of their own.
pub(super) const OTHER: &str = "other";
/// What stands for more than one recipient.
pub(super) const SEVERAL: &str = "several";
/// What stands for all clients.
pub(super) const ALL: &str = "all";

/// A name as a label has it: in lower case, since `Ann` and `ann` are one client. One that is a word
/// of ours gets a sign in front that makes it another, and so does one that would then look like it:
/// a client may be called `other`, and a channel `=other`.
pub(super) fn label(folded: String) -> String {
    let word = folded.trim_start_matches('=');
    match [OTHER, SEVERAL, ALL].contains(&word) {
        true => format!("={folded}"),
        false => folded,
    }
}

/// Which combinations of names have a series of their own in a metric that only grows: the first so
/// many, for as long as the process lives. One that gave up its series to another would make both
/// count wrong.
#[derive(Debug)]
pub(super) struct First<K> {
    known: Mutex<HashSet<K>>,
    max: usize,
}

impl<K: Eq + Hash> First<K> {
    pub(super) fn new(max: usize) -> Self {
        let known = Mutex::default();
        Self { known, max }
    }

    /// Whether it has a series of its own. A new one gets one if it `may_enter` and there is room.
    pub(super) fn has(&self, names: K, may_enter: bool) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&names) {
            return true;
        }
        let enters = may_enter && known.len() < self.max;
        if enters {
            known.insert(names);
        }
        enters
    }
}

/// Which names have a series of their own in a metric of what there is now. Whoever is shown goes on
/// being shown while it is there; then another one takes the place.
#[derive(Debug)]
pub(super) struct Present {
    shown: Mutex<BTreeSet<String>>,
    max: usize,
}

impl Present {
    pub(super) fn new(max: usize) -> Self {
        let shown = Mutex::default();
        Self { shown, max }
    }

    /// Of what there is now, what is shown by its name, and the rest.
    pub(super) fn choose<T>(&self, mut now: Vec<(String, T)>) -> (Vec<(String, T)>, Vec<T>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        now.sort_by_cached_key(|(name, _)| (!shown.contains(name), name.clone()));
        let rest = now.split_off(self.max.min(now.len()));
        *shown = now.iter().map(|(name, _)| name.clone()).collect();
        (now, rest.into_iter().map(|(_, value)| value).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_looks_like_one_of_our_words() {
        for (name, shown) in [
            ("ann", "ann"),
            ("other", "=other"),
            ("=other", "==other"),
            ("=ann", "=ann"),
            ("several", "=several"),
            ("others", "others"),
        ] {
            assert_eq!(label(name.to_owned()), shown);
        }
    }

    #[test]
    fn the_first_ones_keep_their_series_and_nobody_else_gets_one() {
        let first = First::new(2);
        assert!(!first.has("a", false), "it may not enter yet");
        assert!(first.has("a", true));
        assert!(first.has("b", true));
        for month in 0..1_000 {
            let newcomer = format!("c{month}");
            assert!(!first.has(&*newcomer.leak(), true), "{month}");
        }
        assert!(first.has("a", false) && first.has("b", false));
        assert_eq!(first.known.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_name_that_is_gone_makes_room_for_another() {
        let present = Present::new(2);
        let choose = |names: &[&str]| {
            let now = names.iter().map(|name| ((*name).to_owned(), 1)).collect();
            let (shown, rest) = present.choose(now);
            let shown: Vec<String> = shown.into_iter().map(|(name, _)| name).collect();
            (shown, rest.len())
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(choose(&["d", "c"]), (names(&["c", "d"]), 0));
        assert_eq!(choose(&["a", "b", "c", "d"]), (names(&["c", "d"]), 2));
        assert_eq!(choose(&["a", "b", "d"]), (names(&["d", "a"]), 1));
        assert_eq!(choose(&[]), (Vec::new(), 0));
        assert!(present.shown.lock().unwrap().is_empty());
    }
}
