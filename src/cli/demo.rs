//! The story of `serve --demo`: five scripted agents meet in a room of the real server, each over a
//! session of its own, and one of them loses its connection; then one asks another something; at the
//! end they agree on something by a vote.
//!
//! What is shown is what came out of a socket. Nothing is printed because it was sent, and the
//! numbers at the end are counted from what was received.

mod agent;
mod council;
mod question;
mod screen;
mod script;
mod summary;
mod words;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use bridge_core::{ClientId, Seq};
use tokio::sync::{mpsc, watch};

use self::agent::{Agent, Stage};
use self::screen::{Screen, Shown};
use self::summary::Facts;
use super::show::{Paint, visible};
use crate::client::{Address, ClientError, Token};

/// Lines that wait for the screen: more than the whole story has.
const SCREEN_LINES_MAX: usize = 1_024;

/// Who plays, in the order of their colours.
const CAST: [&str; 5] = ["maya", "ravi", "chen", "rosa", "tomas"];

/// Plays the story once. An agent thinks for `pace` before it acts, so that people can follow;
/// nothing depends on it, and zero is a pace.
///
/// # Errors
/// Whatever the server refused, and what did not happen in time.
pub async fn play(
    address: &Address,
    tokens: impl Fn(&ClientId) -> Token,
    out: &mut impl Write,
    pace: Duration,
    paint: Paint,
) -> Result<(), ClientError> {
    let cast = CAST.map(|name| {
        let client: ClientId = name
            .parse()
            .expect("the cast's names are short and of letters");
        let token = tokens(&client);
        (client, token)
    });
    let (lines, shown) = mpsc::channel(SCREEN_LINES_MAX);
    let (head, _) = watch::channel(Seq::ZERO);
    let stage = Stage {
        address,
        pace,
        head,
    };
    let mut screen = Screen::new(out, paint);
    screen.title(address)?;
    let ((), facts) = tokio::try_join!(screen.run(shown), story(&stage, cast, lines))?;
    screen.text(&summary::text(&facts, paint))
}

/// The agents, at the same time. The first error ends it for all.
async fn story(
    stage: &Stage<'_>,
    cast: [(ClientId, Token); 5],
    lines: mpsc::Sender<Shown>,
) -> Result<Facts, ClientError> {
    let [maya, _, _, rosa, _] = &cast;
    let pair = [maya, rosa].map(Clone::clone);
    let everybody = cast.clone();
    let [maya, ravi, chen, rosa, tomas] = cast.map(|who| Agent::new(stage, who, lines.clone()));
    let mut maya = maya.into_observer();
    let room = script::open_room(&mut maya).await?;
    let ((maya, ()), (ravi, ()), (chen, comeback), (rosa, ()), (tomas, ())) = tokio::try_join!(
        script::maya(maya),
        script::ravi(ravi, &room),
        script::chen(chen, &room),
        script::rosa(rosa, &room),
        script::tomas(tomas, &room),
    )?;
    let agents = [maya, ravi, chen, rosa, tomas].map(Agent::into_log);
    let last = agents[3].events.last().map_or(Seq::ZERO, |event| event.seq);
    let answered = question::play(stage, pair, last, lines.clone()).await?;
    let agreed = council::play(stage, everybody, (&room, last), lines).await?;
    Facts::gather(room, &agents, comeback, answered, agreed)
}

/// What a newcomer can try while the demonstration's server goes on running: how to get a token that
/// it accepts, which the key in its data folder signs, and how to enter the room.
#[must_use]
pub fn invitation(address: &Address, data_dir: &Path, paint: Paint) -> String {
    let room = script::ROOM;
    let data_dir = visible(&data_dir.display().to_string());
    [
        String::new(),
        paint.bold("Now you, in another terminal; this server runs until Ctrl-C"),
        format!("  export BRIDGE_URL={address}"),
        format!(
            "  export BRIDGE_TOKEN=$(agent-bridge token create --client me-too --data-dir '{data_dir}')"
        ),
        format!("  agent-bridge room join {room}"),
        format!("  agent-bridge room tail {room} --all"),
        format!("  agent-bridge room post {room} \"Hello, @maya\""),
        format!("  agent-bridge room show {room}"),
        format!("  agent-bridge decision list {room}"),
        "  agent-bridge message show $(agent-bridge send maya \"Are you still there?\")".to_owned(),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invitation_leads_to_this_server() {
        let address = "http://127.0.0.1:7".parse().expect("an address");
        let text = invitation(&address, Path::new("/a b"), Paint::new(false));
        assert!(text.contains("BRIDGE_URL=http://127.0.0.1:7\n"), "{text}");
        assert!(text.contains("--data-dir '/a b')"), "{text}");
    }
}
