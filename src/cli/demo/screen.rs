//! What came out of the sockets, as people see it.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use bridge_core::ClientId;
use tokio::sync::mpsc;

use super::CAST;
use crate::cli::show::{Hue, Paint, Threads, pad, tell, time_of_day, timeline, visible, width};
use crate::client::{Address, ClientError, MessageFacts};
use crate::wire::frame::RoomEvent;

/// Columns of a name: the longest of the cast.
const NAME_COLUMNS: usize = 5;
/// Columns of a role: `coordinator`.
const ROLE_COLUMNS: usize = 11;
/// Columns of a channel: `tests`.
const CHANNEL_COLUMNS: usize = 5;
/// Columns before what was said.
const INDENT: usize = MAIL_INDENT + ROLE_COLUMNS + 2 + CHANNEL_COLUMNS + 2;
/// Columns before a note, and before what was said in a message.
const MAIL_INDENT: usize = 4 + 2 + 8 + 2 + NAME_COLUMNS + 2;

/// Columns of a whole line. A wider terminal has room to spare, a narrower one breaks lines itself.
const LINE_COLUMNS: usize = 100;

/// Something to show.
#[derive(Debug)]
pub(super) enum Shown {
    /// The observer's session received an event.
    Event(RoomEvent),
    /// The observer's session was told that somebody came or went.
    Presence {
        /// Who.
        client: ClientId,
        /// Which of the two.
        online: bool,
    },
    /// An agent's session received a message, or news of one.
    Mail {
        /// When, says the server.
        at: String,
        /// Which agent.
        who: ClientId,
        /// What.
        words: String,
        /// Whether the words are somebody's own, and not a description.
        is_speech: bool,
    },
    /// What comes next.
    Title(&'static str),
    /// A message's way, as the server tells the one who sent it.
    Way(Box<MessageFacts>),
    /// An agent has learned something from its own session, or lost it.
    Note {
        /// Which agent.
        who: ClientId,
        /// What.
        text: String,
    },
}

/// Hands something to the screen.
///
/// # Errors
/// When the screen is gone, or has more to do than the whole story.
pub(super) fn show(lines: &mpsc::Sender<Shown>, shown: Shown) -> Result<(), ClientError> {
    let sent = lines.try_send(shown);
    sent.map_err(|_| ClientError::Lost("the screen takes no more lines".to_owned()))
}

/// The screen.
pub(super) struct Screen<'a, W> {
    out: &'a mut W,
    paint: Paint,
    threads: Threads,
    /// Each member's role, as the events say.
    roles: HashMap<String, String>,
    /// Who was said to be gone.
    gone: HashSet<ClientId>,
    /// Ids that are too long for a line, and what they are called.
    names: Vec<(String, String)>,
}

impl<'a, W: Write> Screen<'a, W> {
    pub(super) fn new(out: &'a mut W, paint: Paint) -> Self {
        Self {
            out,
            paint,
            threads: Threads::default(),
            roles: HashMap::new(),
            gone: HashSet::new(),
            names: Vec::new(),
        }
    }

    pub(super) fn title(&mut self, address: &Address) -> Result<(), ClientError> {
        let title = self
            .paint
            .bold("Five agents, five WebSocket sessions, one room");
        let how = format!(
            "on {address}. They are scripted, the server is not: each numbered line is an event\n\
             as a session received it, and each agent waits for what it reacts to."
        );
        self.text(&format!("{title}\n{}\n", self.paint.dim(&how)))
    }

    /// Shows what comes until nobody is left who could send anything.
    pub(super) async fn run(
        &mut self,
        mut shown: mpsc::Receiver<Shown>,
    ) -> Result<(), ClientError> {
        while let Some(shown) = shown.recv().await {
            let line = match shown {
                Shown::Event(event) => Some(self.event(&event)),
                Shown::Note { who, text } => Some(self.note(&who, &text)),
                Shown::Presence { client, online } => self.presence(&client, online),
                Shown::Title(title) => Some(format!("\n{}\n", self.paint.bold(title))),
                Shown::Way(facts) => Some(way(&facts, self.paint)),
                Shown::Mail {
                    at,
                    who,
                    words,
                    is_speech,
                } => Some(self.mail(&at, &who, &words, is_speech)),
            };
            if let Some(line) = line {
                self.text(&line)?;
            }
        }
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), ClientError> {
        writeln!(self.out, "{text}")?;
        self.out.flush()?;
        Ok(())
    }

    fn event(&mut self, event: &RoomEvent) -> String {
        self.learn_role(event);
        self.learn_name(event);
        let paint = self.paint;
        let told = tell(event, "");
        let reply = told.reply_to.as_deref().map(|id| self.threads.name(id));
        self.threads.remember(event);
        let role = self.roles.get(&event.by).map_or("", String::as_str);
        let seq = paint.dim(&format!("{:>4}", format!("#{}", event.seq)));
        let at = paint.dim(&time_of_day(&event.at));
        let who = paint.hue(hue(&event.by), &pad(&visible(&event.by), NAME_COLUMNS));
        let role = paint.dim(&pad(&visible(role), ROLE_COLUMNS));
        let channel = told.channel.unwrap_or_default();
        let channel = paint.dim(&pad(&channel, CHANNEL_COLUMNS));
        let reply = reply.map(|name| format!("↳ {name}  ")).unwrap_or_default();
        let words = self.with_names(&format!("{reply}{}", told.words));
        let words = wrapped(&words, INDENT);
        let words = if told.is_speech {
            words
        } else {
            paint.dim(&words)
        };
        format!("{seq}  {at}  {who}  {role}  {channel}  {words}")
    }

    /// A motion is called by a letter, and a critique by the event that made it.
    fn learn_name(&mut self, event: &RoomEvent) {
        let motions = self
            .names
            .iter()
            .filter(|(_, name)| name.starts_with("motion"));
        let letter = ('A'..='Z').nth(motions.count()).unwrap_or('Z');
        let (id, name) = match event.kind.as_str() {
            "proposed" => (event.text("decision"), format!("motion {letter}")),
            "critiqued" => (event.text("critique"), format!("critique #{}", event.seq)),
            _ => return,
        };
        if let Some(id) = id {
            self.names.push((id.to_owned(), name));
        }
    }

    fn with_names(&self, text: &str) -> String {
        let names = self.names.iter();
        names.fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    fn mail(&self, at: &str, who: &ClientId, words: &str, is_speech: bool) -> String {
        let paint = self.paint;
        let at = paint.dim(&time_of_day(at));
        let name = pad(&visible(who.as_str()), NAME_COLUMNS);
        let name = paint.hue(hue(who.as_str()), &name);
        let words = wrapped(&visible(words), MAIL_INDENT);
        let words = if is_speech { words } else { paint.dim(&words) };
        format!("{}{at}  {name}  {words}", " ".repeat(4 + 2))
    }

    fn note(&self, who: &ClientId, text: &str) -> String {
        let name = self.paint.hue(
            hue(who.as_str()),
            &pad(&visible(who.as_str()), NAME_COLUMNS),
        );
        format!(
            "{}{name}  {}",
            " ".repeat(4 + 2 + 8 + 2),
            self.paint.dim(&visible(&self.with_names(text)))
        )
    }

    /// Coming is only worth a line after going: that the five are there is seen anyway.
    fn presence(&mut self, client: &ClientId, online: bool) -> Option<String> {
        let is_news = if online {
            self.gone.remove(client)
        } else {
            self.gone.insert(client.clone())
        };
        let text = if online {
            "is online, says the server"
        } else {
            "is offline, says the server"
        };
        is_news.then(|| self.note(client, text))
    }

    fn learn_role(&mut self, event: &RoomEvent) {
        if matches!(event.kind.as_str(), "member_joined" | "role_granted")
            && let (Some(client), Some(role)) = (event.text("client"), event.text("role"))
        {
            self.roles.insert(client.to_owned(), role.to_owned());
        }
    }
}

/// A message's way, apart from what is around it.
fn way(facts: &MessageFacts, paint: Paint) -> String {
    let lines: Vec<_> = timeline(facts, paint)
        .lines()
        .map(|line| format!("  {line}").trim_end().to_owned())
        .collect();
    format!("\n{}", lines.join("\n"))
}

/// Lines of bounded width, broken between words and indented but for the first one.
fn wrapped(text: &str, indent: usize) -> String {
    let mut shown = String::new();
    for (at, line) in text.lines().enumerate() {
        let mut used = indent;
        for (n, word) in line.split(' ').enumerate() {
            let is_first = n == 0;
            let fits = used + 1 + width(word) <= LINE_COLUMNS;
            if (is_first && at > 0) || (!is_first && !fits) {
                shown.push('\n');
                shown.push_str(&" ".repeat(indent));
                used = indent;
            } else if !is_first {
                shown.push(' ');
                used += 1;
            }
            shown.push_str(word);
            used += width(word);
        }
    }
    shown
}

fn hue(name: &str) -> Hue {
    CAST.iter()
        .position(|known| *known == name)
        .map_or_else(|| Hue::of(name), Hue::number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(seq: u64, by: &str, kind: &str, fields: Value) -> Shown {
        let mut event = fields;
        event["room"] = json!("r");
        event["seq"] = json!(seq);
        event["at"] = json!("2026-11-22T08:15:30.250Z");
        event["by"] = json!(by);
        event["kind"] = json!(kind);
        Shown::Event(serde_json::from_value(event).expect("an event"))
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        let text = format!("{} {}\nnext", "x".repeat(50), "日".repeat(10));
        let indent = " ".repeat(INDENT);
        let expected = format!(
            "{}\n{indent}{}\n{indent}next",
            "x".repeat(50),
            "日".repeat(10)
        );
        assert_eq!(wrapped(&text, INDENT), expected);
        assert_eq!(wrapped("a b  c", INDENT), "a b  c");
    }

    #[tokio::test]
    async fn what_was_received_is_shown_in_columns() {
        let chen: ClientId = "chen".parse().expect("a name");
        let (lines, shown) = mpsc::channel(16);
        let story = [
            event(
                4,
                "chen",
                "member_joined",
                json!({"client": "chen", "role": "coder"}),
            ),
            event(
                5,
                "chen",
                "posted",
                json!({"id": "msg_1", "channel": "main", "text": "a\nb"}),
            ),
            Shown::Presence {
                client: chen.clone(),
                online: true,
            },
            Shown::Presence {
                client: chen.clone(),
                online: false,
            },
            Shown::Presence {
                client: chen.clone(),
                online: true,
            },
            Shown::Note {
                who: chen,
                text: "back\u{1b}".into(),
            },
            Shown::Mail {
                at: "2026-11-22T08:15:30.250Z".into(),
                who: "ravi".parse().expect("a name"),
                words: "→ chen  a\u{1b}".into(),
                is_speech: true,
            },
            event(
                6,
                "ravi",
                "posted",
                json!({"id": "msg_2", "channel": "tests", "text": "c", "reply_to": "msg_1"}),
            ),
        ];
        for line in story {
            lines.try_send(line).expect("there is room");
        }
        drop(lines);
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Paint::new(false));
        screen.run(shown).await.expect("a Vec takes everything");
        let expected = "  #4  08:15:30  chen   coder               joined as coder
  #5  08:15:30  chen   coder        main   a
                                           b
                chen   is offline, says the server
                chen   is online, says the server
                chen   back␛
      08:15:30  ravi   → chen  a␛
  #6  08:15:30  ravi                tests  ↳ #5 chen  c
";
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
