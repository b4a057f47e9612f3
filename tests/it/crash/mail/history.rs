//! What everybody saw, and what it is judged by.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use super::ring::Member;

/// Something that a member saw, in the order in which it did.
#[derive(Debug, Clone)]
pub(super) enum Saw {
    /// It came in, for the first time or again.
    Connected,
    /// An answer to a request to send, under its key.
    Stored { key: String, id: String, to: String },
    /// A message was handed over.
    Delivered { id: String },
    /// It was told that the message is done, as it had said.
    Done { id: String },
}

/// Everything that was seen, and each message as its sender sees it in the end.
#[derive(Debug, Clone)]
pub(super) struct History {
    saw: BTreeMap<String, Vec<Saw>>,
    shown: BTreeMap<String, Value>,
}

/// How a history is.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdict {
    sent: usize,
    delivered: usize,
    redelivered: usize,
    answered_twice: usize,
    /// Not to be found, or never handed over.
    lost: usize,
    not_ended: usize,
    double_ends: usize,
    /// Ended otherwise than done.
    not_done: usize,
    /// Handed over after the answer that it is done.
    late: usize,
    /// Handed over twice between two times of coming in, although nothing had run out.
    at_once: usize,
    /// A repeat got another id.
    changed: usize,
    /// Handed over under an id that no sender was told.
    strangers: usize,
    /// Handed over to somebody else.
    astray: usize,
}

impl Verdict {
    fn flaws(&self) -> [usize; 9] {
        [
            self.lost,
            self.not_ended,
            self.double_ends,
            self.not_done,
            self.late,
            self.at_once,
            self.changed,
            self.strangers,
            self.astray,
        ]
    }

    pub(super) fn is_sound(&self) -> bool {
        self.sent > 0 && self.flaws() == [0; 9]
    }

    pub(super) fn assert_sound(&self, history: &History) {
        assert!(self.sent > 100, "hardly anything was sent: {self}");
        if !self.is_sound() {
            for (id, value) in &history.shown {
                if ends(value).len() != 1 {
                    println!("{id}: {value}");
                }
            }
        }
        assert!(self.is_sound(), "{self}");
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "messages {}, handed over {} times, {} of them again, requests answered twice {}; lost \
             {}, not ended {}, ended twice {}, not done {}, handed over after they were done {}, \
             twice to one session {}, repeats with another id {}, ids that nobody was told {}, at the wrong client {}",
            self.sent,
            self.delivered,
            self.redelivered,
            self.answered_twice,
            self.lost,
            self.not_ended,
            self.double_ends,
            self.not_done,
            self.late,
            self.at_once,
            self.changed,
            self.strangers,
            self.astray,
        )
    }
}

/// The ends in a message's history, which has one recipient.
pub(super) fn ends(shown: &Value) -> Vec<&str> {
    let recipients = shown["recipients"].as_array();
    let steps = recipients.into_iter().flatten().filter_map(|recipient| {
        let history = recipient["history"].as_array()?;
        Some(history.iter().filter_map(|step| step["stage"].as_str()))
    });
    let is_end = |stage: &&str| matches!(*stage, "done" | "expired" | "dead");
    steps.flatten().filter(is_end).collect()
}

impl History {
    pub(super) fn new(members: Vec<Member>, shown: Vec<Value>) -> Self {
        let by_id = shown.into_iter().filter_map(|value| {
            let id = value["id"].as_str()?.to_owned();
            Some((id, value))
        });
        Self {
            saw: members.into_iter().map(|m| (m.name, m.saw)).collect(),
            shown: by_id.collect(),
        }
    }

    pub(super) fn judge(&self) -> Verdict {
        let mut verdict = Verdict::default();
        let mut sent: BTreeMap<&str, &str> = BTreeMap::new();
        let mut keys: BTreeMap<(&str, &str), &str> = BTreeMap::new();
        for (name, saw) in &self.saw {
            for saw in saw {
                let Saw::Stored { key, id, to } = saw else {
                    continue;
                };
                sent.insert(id, to);
                if let Some(first) = keys.insert((name, key), id) {
                    verdict.answered_twice += 1;
                    verdict.changed += usize::from(first != id);
                }
            }
        }
        verdict.sent = keys.len();
        let mut delivered = BTreeSet::new();
        for (name, saw) in &self.saw {
            verdict.watch(name, saw, &sent, &mut delivered);
        }
        for id in sent.keys() {
            let Some(shown) = self.shown.get(*id).filter(|_| delivered.contains(id)) else {
                verdict.lost += 1;
                continue;
            };
            let ends = ends(shown);
            verdict.not_ended += usize::from(ends.is_empty());
            verdict.double_ends += usize::from(ends.len() > 1);
            verdict.not_done += usize::from(ends.iter().any(|end| *end != "done"));
        }
        verdict
    }

    /// The first message that was acknowledged, with the one who did.
    fn acknowledged(&self) -> (String, String) {
        let mut all = self.saw.iter().flat_map(|(name, saw)| {
            saw.iter().filter_map(move |saw| match saw {
                Saw::Done { id } => Some((name.clone(), id.clone())),
                _ => None,
            })
        });
        all.next().expect("something was acknowledged")
    }

    /// The control: whoever finds nothing wrong with these finds nothing at all.
    pub(super) fn assert_that_tampering_is_seen(&self) {
        let (receiver, id) = self.acknowledged();
        let must_see = |what: &str, tamper: &dyn Fn(&mut Self), flaw: fn(&Verdict) -> usize| {
            let mut other = self.clone();
            tamper(&mut other);
            let verdict = other.judge();
            assert_eq!(flaw(&verdict), 1, "{what} is not seen: {verdict}");
            assert!(!verdict.is_sound(), "{what} is forgiven: {verdict}");
        };
        let tell = |history: &mut Self, saw: Saw| {
            let member = history.saw.get_mut(&receiver);
            member.expect("it is a member").push(saw);
        };
        let end = |history: &mut Self, change: &dyn Fn(&mut Vec<Value>)| {
            let shown = history.shown.get_mut(&id).expect("it is shown");
            let steps = shown["recipients"][0]["history"].as_array_mut();
            change(steps.expect("its history"));
        };
        must_see("a loss", &|h| drop(h.shown.remove(&id)), |v| v.lost);
        let twice = |h: &mut Self| {
            end(h, &|steps| steps.push(json!({"stage": "expired"})));
        };
        must_see("a double end", &twice, |v| v.double_ends);
        let never = |h: &mut Self| {
            end(h, &|steps| steps.retain(|step| step["stage"] != "done"));
        };
        must_see("a message without an end", &never, |v| v.not_ended);
        let late = |h: &mut Self| tell(h, Saw::Delivered { id: id.clone() });
        must_see("a late delivery", &late, |v| v.late);
        let stranger = |h: &mut Self| {
            let id = "msg_double".to_owned();
            tell(h, Saw::Delivered { id });
        };
        must_see("a message stored twice", &stranger, |v| v.strangers);
    }

    /// Two members, one message, done.
    pub(super) fn example() -> Self {
        let id = || "msg_1".to_owned();
        let stored = Saw::Stored {
            key: "k".to_owned(),
            id: id(),
            to: "bob".to_owned(),
        };
        let bob = vec![Saw::Delivered { id: id() }, Saw::Done { id: id() }];
        let steps = json!([{"stage": "stored"}, {"stage": "delivered"}, {"stage": "done"}]);
        let shown = json!({"id": "msg_1", "recipients": [{"history": steps}]});
        Self {
            saw: BTreeMap::from([("ann".to_owned(), vec![stored]), ("bob".to_owned(), bob)]),
            shown: BTreeMap::from([(id(), shown)]),
        }
    }
}

impl Verdict {
    /// What one member was handed.
    fn watch<'a>(
        &mut self,
        name: &str,
        saw: &'a [Saw],
        sent: &BTreeMap<&str, &str>,
        delivered: &mut BTreeSet<&'a str>,
    ) {
        let mut done: BTreeSet<&str> = BTreeSet::new();
        let mut here: BTreeSet<&str> = BTreeSet::new();
        for saw in saw {
            match saw {
                Saw::Stored { .. } => {}
                Saw::Connected => here.clear(),
                Saw::Done { id } => {
                    done.insert(id);
                }
                Saw::Delivered { id } => {
                    self.delivered += 1;
                    self.redelivered += usize::from(!delivered.insert(id));
                    self.late += usize::from(done.contains(&**id));
                    self.at_once += usize::from(!here.insert(id));
                    match sent.get(&**id) {
                        None => self.strangers += 1,
                        Some(to) => self.astray += usize::from(*to != name),
                    }
                }
            }
        }
    }
}
