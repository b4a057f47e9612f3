//! Those who work until the server tells them to go.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::json;

use crate::chaos::heard::Heard;
use crate::chaos::peer::{Beat, Occasion, Peer};
use crate::clock::Clock;

/// What every post has besides its number.
const POST_CHARS: usize = 4_000;

/// What was acknowledged, by whom and to whom.
#[derive(Debug, Default)]
pub(super) struct Diary {
    /// Posts: room, seq, id and text.
    pub(super) posts: Vec<(String, u64, String, String)>,
    /// Messages: the sender and the id.
    pub(super) messages: Vec<(String, String)>,
    /// Ids of messages whose recipient was told that they are done.
    pub(super) done: Vec<String>,
    /// Requests that were neither acknowledged nor refused for now.
    pub(super) wrong: Vec<String>,
    pub(super) farewells: Vec<Farewell>,
}

/// How a session ended.
#[derive(Debug)]
pub(super) struct Farewell {
    /// The number and the pause that it was told, if it was told anything.
    pub(super) bye: Option<(u64, Option<u64>)>,
    pub(super) at: u64,
    /// Whether it had stopped reading.
    pub(super) was_stalled: bool,
}

/// What a client does besides listening.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Nothing,
    /// Posts in a room.
    Posts(String),
    /// Sends messages to another client, and finishes with those that it gets.
    Writes(String),
}

/// Works until the session ends, and writes down how.
pub(super) async fn works(
    mut peer: Peer,
    work: Work,
    beat: Option<Beat>,
    clock: Clock,
    diary: Rc<RefCell<Diary>>,
) {
    let name = peer.name().to_owned();
    let mut bye = None;
    let mut open = HashMap::new();
    let mut number = 0_u64;
    let act = |occasion: Occasion<'_>| {
        let text = match occasion {
            Occasion::Due(_) => {
                number += 1;
                let asked = asks(&work, &name, number, &mut open);
                return Ok(asked.into_iter().collect());
            }
            Occasion::Heard(text) => text,
        };
        let heard = Heard::read(text)?;
        if let Some(code) = heard.bye() {
            bye = Some((code, heard.retry_after_ms));
        }
        let answer = diary.borrow_mut().hears(&work, &name, &heard, &mut open);
        Ok(answer.into_iter().collect())
    };
    // It ends with the session, which is what is wanted.
    drop(peer.work(beat, act).await);
    let farewell = Farewell {
        bye,
        at: clock.nanos(),
        was_stalled: false,
    };
    diary.borrow_mut().farewells.push(farewell);
}

/// The next request, and what is remembered of it.
fn asks(
    work: &Work,
    name: &str,
    number: u64,
    open: &mut HashMap<String, String>,
) -> Option<String> {
    let reference = format!("{name} {number}");
    let (text, mut frame) = match work {
        Work::Nothing => return None,
        Work::Posts(room) => (
            format!("{reference} {}", "x".repeat(POST_CHARS)),
            json!({"type": "post", "room": room}),
        ),
        Work::Writes(to) => (reference.clone(), json!({"type": "send", "to": to})),
    };
    frame["ref"] = json!(reference);
    frame["text"] = json!(text);
    open.insert(reference, text);
    Some(frame.to_string())
}

impl Diary {
    /// Notes what a frame says, and answers it.
    fn hears(
        &mut self,
        work: &Work,
        name: &str,
        heard: &Heard<'_>,
        open: &mut HashMap<String, String>,
    ) -> Option<String> {
        let id = || heard.id.as_deref().unwrap_or_default().to_owned();
        if heard.kind == "message" && matches!(work, Work::Writes(_)) {
            let reference = format!("done {}", id());
            open.insert(reference.clone(), id());
            let ack = json!({"type": "ack", "id": id(), "stage": "done", "ref": reference});
            return Some(ack.to_string());
        }
        let reference = heard.reference.as_deref()?;
        let asked = open.remove(reference)?;
        match (heard.kind, work) {
            ("event", Work::Posts(room)) => {
                let seq = heard.seq.unwrap_or_default();
                self.posts.push((room.clone(), seq, id(), asked));
            }
            ("stored", Work::Writes(_)) if reference.starts_with("done ") => self.done.push(asked),
            ("stored", Work::Writes(_)) => self.messages.push((name.to_owned(), id())),
            _ => {
                let code = heard.refusal().unwrap_or(heard.kind);
                // For now, that is: it says that nothing was acknowledged.
                if !matches!(code, "busy" | "retry" | "outcome_unknown" | "server_full") {
                    self.wrong.push(format!("{reference}: {code}"));
                }
            }
        }
        None
    }
}

/// The number and the pause of a goodbye, if a frame is one.
pub(super) fn read(text: &[u8]) -> Result<Option<(u64, Option<u64>)>, String> {
    let heard = Heard::read(text)?;
    Ok(heard.bye().map(|code| (code, heard.retry_after_ms)))
}
