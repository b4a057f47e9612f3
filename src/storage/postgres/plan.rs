//! What becomes of a batch, worked out before anything is written: which appends land, which are
//! repeats, and which do not follow.

use std::collections::HashMap;

use bridge_core::Seq;
use bridge_core::event::{Envelope, Stream};
use bridge_core::owner::Answer;
use bridge_core::ports::Append;

use crate::storage::row::dedupe;

/// Records that carry a key, by their stream and by `dedupe`.
pub(super) type Keyed = HashMap<(Stream, String), Envelope>;

/// What becomes of a batch.
pub(super) struct Plan<'a> {
    /// One for each append.
    pub(super) answers: Vec<Answer>,
    /// Those that are to be written, in order.
    pub(super) landing: Vec<&'a Append>,
}

/// The key of an append, as it is looked up.
pub(super) fn key_of(append: &Append) -> Option<String> {
    let first = &append.records[0].envelope;
    let key = first.key.as_ref()?;
    Some(dedupe(&first.by, &key.word))
}

/// Plans a batch on logs with these heads, in which these keys stand.
pub(super) fn plan<'a>(
    batch: &[&'a Append],
    head: impl Fn(&Stream) -> Seq,
    mut known: Keyed,
) -> Plan<'a> {
    let mut heads: HashMap<&Stream, Seq> = HashMap::new();
    let mut plan = Plan {
        answers: Vec::with_capacity(batch.len()),
        landing: Vec::with_capacity(batch.len()),
    };
    for append in batch {
        let stream = append.stream();
        let at = heads.entry(stream).or_insert_with(|| head(stream));
        let key = key_of(append).map(|key| (stream.clone(), key));
        let original = key.as_ref().and_then(|key| known.get(key));
        let answer = match original {
            Some(original) => Answer::Duplicate(Box::new(original.clone())),
            None if at.next() != append.first_seq() => Answer::NotNext,
            None => {
                *at = append.last_seq();
                plan.landing.push(append);
                let first = &append.records[0].envelope;
                known.extend(key.map(|key| (key, Envelope::clone(first))));
                Answer::Stored
            }
        };
        plan.answers.push(answer);
    }
    plan
}
