//! Who says what, and on what occasion.
//!
//! Everything here happens because something was received: there is no blind waiting, so the story
//! is the same at any pace and on any machine.

use bridge_core::policy::Role;
use bridge_core::{RoomId, Seq};
use serde_json::json;

use super::agent::Agent;
use super::words::{calls, channel, client, in_tests, is_text, reply, said_by, surprise, text};
use crate::cli::show::count;
use crate::client::{ClientError, NewPost, NewRoom, keys};
use crate::wire::frame::ResumedBody;

/// The room's name; a number follows when the story has been played on this server before.
pub(super) const ROOM: &str = "launch-review";
/// Rooms of that name that are tried.
const ROOMS_MAX: usize = 1_000;
const TOPIC: &str = "Is agent-bridge ready? We find out by using it";

const OPENING: &str = "Welcome! @ravi, does this room keep every script? @tomas, you are no \
                       reviewer yet, but a tester: please try to break something.";
const SCRIPTS: &str = "Ελληνικά · हिन्दी · 日本語 · العربية · עברית · Кириллица · 한국어 · 👩‍🚀\n\
                       If this line looks the same to you, it does.";
const SAME: &str = "看得到，一个字都没少。 It is the same, to the last byte.";
const WARNING: &str = "@chen, I am about to cut your connection. Post something, and do not wait \
                       for the answer. ✂️";
const UNANSWERED: &str = "Posted a moment before the line went dead.";
const MISSED: &str = "The line is cut. Chen cannot see this …";
const MISSED_TOO: &str = "… nor this. Жаль! 🦀";
const BACK: &str = "I am back: nothing lost, nothing twice. @rosa, what do you say?";
const CLOSING: &str = "Thank you all. That is how we work here. 🚀";

/// What became of the agent that was cut off, as its own session told it.
#[derive(Debug)]
pub(super) struct Comeback {
    /// What the server promised.
    pub(super) resumed: ResumedBody,
    /// What it then sent.
    pub(super) missed: Vec<Seq>,
    /// Where the repeated post is in the log.
    pub(super) repeated: Seq,
}

/// Maya makes the room, and invites Rosa as a reviewer before she is there.
pub(super) async fn open_room(maya: &mut Agent<'_>) -> Result<RoomId, ClientError> {
    maya.connect().await?;
    maya.think(1).await?;
    let room = create_free_room(maya).await?;
    maya.made(room.clone());
    maya.think(1).await?;
    maya.session()?
        .grant(&room, &client("rosa"), Role::Reviewer)
        .await?;
    Ok(room)
}

/// A room's id is never given again, so a second demonstration on the same data needs another one.
async fn create_free_room(maya: &mut Agent<'_>) -> Result<RoomId, ClientError> {
    let mut number = 1;
    loop {
        let name = if number == 1 {
            ROOM.to_owned()
        } else {
            format!("{ROOM}-{number}")
        };
        let room: RoomId = name
            .parse()
            .expect("the story's room has a short plain name");
        let new = NewRoom {
            room: Some(room.clone()),
            topic: TOPIC.to_owned(),
            ..NewRoom::default()
        };
        match maya.session()?.create_room(&new).await {
            Ok(_) => return Ok(room),
            Err(why) if why.refused_as() == Some("room_exists") && number < ROOMS_MAX => {
                number += 1;
            }
            Err(why) => return Err(why),
        }
    }
}

/// The coordinator: grants, opens and closes the conversation.
pub(super) async fn maya(mut maya: Agent<'_>) -> Result<(Agent<'_>, ()), ClientError> {
    let room = maya.room()?;
    let mut wish = None;
    for _ in 0..4 {
        let joined = maya
            .wait_for("that everybody joins", |e| {
                e.kind == "member_joined" && e.by != "maya"
            })
            .await?;
        if joined.text("requested_role").is_some() {
            wish = Some(joined);
        }
    }
    let Some(wish) = wish else {
        return Err(surprise("nobody was told that a role must be granted"));
    };
    maya.think(1).await?;
    maya.session()?
        .grant(&room, &client(&wish.by), Role::Tester)
        .await?;
    maya.think(2).await?;
    maya.say(&text(OPENING)).await?;

    let verdict = maya.wait_for("Rosa's verdict", said_by("rosa")).await?;
    maya.think(2).await?;
    maya.say(&reply(CLOSING, &verdict)?).await?;
    the_end(maya).await
}

/// The researcher: tries all scripts, and speaks while Chen is away.
pub(super) async fn ravi<'a>(
    mut ravi: Agent<'a>,
    room: &RoomId,
) -> Result<(Agent<'a>, ()), ClientError> {
    ravi.think_before_session(1).await;
    ravi.enter(room, Role::Researcher).await?;
    ravi.wait_for("Maya's question", calls("ravi")).await?;
    ravi.think(2).await?;
    ravi.say(&text(SCRIPTS)).await?;

    ravi.wait_for("that Chen is away", is_text(MISSED)).await?;
    ravi.think(1).await?;
    ravi.say(&in_tests(text(MISSED_TOO))).await?;
    the_end(ravi).await
}

/// The coder: loses its connection between a request and its answer.
pub(super) async fn chen<'a>(
    mut chen: Agent<'a>,
    room: &RoomId,
) -> Result<(Agent<'a>, Comeback), ClientError> {
    chen.think_before_session(2).await;
    chen.enter(room, Role::Coder).await?;
    let scripts = chen.wait_for("Ravi's line", said_by("ravi")).await?;
    if scripts.text("text") != Some(SCRIPTS) {
        return Err(surprise("Ravi's line was changed on its way"));
    }
    chen.think(2).await?;
    chen.say(&reply(SAME, &scripts)?).await?;

    let warning = chen.wait_for("Tomas's warning", calls("chen")).await?;
    chen.think(2).await?;
    let unanswered = NewPost {
        key: Some(keys::new_key()),
        ..in_tests(text(UNANSWERED))
    };
    send_and_be_cut(&mut chen, room, &unanswered).await?;
    let (resumed, missed) = come_back(&mut chen).await?;

    chen.think(2).await?;
    let again = chen.say(&unanswered).await?;
    if !again.duplicate || !missed.contains(&again.seq) {
        return Err(surprise("a repeated post was stored twice"));
    }
    chen.note(format!(
        "repeats his post, because he never saw its answer: duplicate: true, it is #{}",
        again.seq
    ))?;
    chen.think(2).await?;
    chen.say(&in_tests(reply(BACK, &warning)?)).await?;
    let (chen, ()) = the_end(chen).await?;
    Ok((
        chen,
        Comeback {
            resumed,
            missed,
            repeated: again.seq,
        },
    ))
}

/// Sends a post and loses the connection before the answer is read. That the post has arrived is
/// known from the observer's session, not from Chen's.
async fn send_and_be_cut(
    chen: &mut Agent<'_>,
    room: &RoomId,
    post: &NewPost,
) -> Result<(), ClientError> {
    let mut frame = post.fields();
    frame["type"] = json!("post");
    frame["room"] = json!(room);
    frame["key"] = json!(post.key);
    let cursor = chen.cursor();
    chen.session()?.send(&frame).await?;
    chen.stage().reaches(cursor.next(), "Chen's post").await?;
    chen.cut();
    chen.note(format!(
        "is cut off: his socket is gone, and the last event he has is #{cursor}"
    ))
}

/// Waits until something was missed, connects again, and receives it.
async fn come_back(chen: &mut Agent<'_>) -> Result<(ResumedBody, Vec<Seq>), ClientError> {
    let cursor = chen.cursor();
    let beat = chen.stage().pace;
    // His own post, and what the two others say meanwhile.
    chen.stage()
        .reaches(cursor.plus(3), "what Chen misses")
        .await?;
    tokio::time::sleep(beat).await;
    let had = chen.log().len();
    let Some(resumed) = chen.connect().await? else {
        return Err(surprise("the room was not resumed"));
    };
    if !resumed.complete || resumed.from != cursor {
        return Err(surprise("the resume is not complete"));
    }
    chen.catch_up(resumed.to).await?;
    let missed: Vec<Seq> = chen.log()[had..].iter().map(|event| event.seq).collect();
    let list: Vec<_> = missed.iter().map(|seq| format!("#{seq}")).collect();
    chen.note(format!(
        "is back in a new session: resumed from #{}, complete, {} missed and now received: {}",
        resumed.from,
        count(missed.len() as u64, "event"),
        list.join(", ")
    ))?;
    Ok((resumed, missed))
}

/// The reviewer, by a grant that was there before her.
pub(super) async fn rosa<'a>(
    mut rosa: Agent<'a>,
    room: &RoomId,
) -> Result<(Agent<'a>, ()), ClientError> {
    rosa.think_before_session(3).await;
    rosa.enter(room, Role::Reviewer).await?;
    let question = rosa.wait_for("Chen's question", calls("rosa")).await?;
    rosa.think(2).await?;
    let log = rosa.log();
    let (have, last) = (count(log.len() as u64, "event"), rosa.cursor());
    let verdict = format!("I have {have}, the last is #{last}, and none is missing. Approved. ✅");
    rosa.say(&reply(&verdict, &question)?).await?;
    the_end(rosa).await
}

/// The tester: asks for a role that must be granted, and cuts Chen off.
pub(super) async fn tomas<'a>(
    mut tomas: Agent<'a>,
    room: &RoomId,
) -> Result<(Agent<'a>, ()), ClientError> {
    tomas.think_before_session(4).await;
    tomas.enter(room, Role::Reviewer).await?;
    tomas.wait_for("Maya's request", calls("tomas")).await?;
    tomas.wait_for("Chen's answer", said_by("chen")).await?;
    tomas.think(1).await?;
    let tests = channel();
    tomas
        .session()?
        .create_channel(room, &tests, "What we try, and what comes of it")
        .await?;
    tomas.think(1).await?;
    tomas.say(&in_tests(text(WARNING))).await?;

    tomas
        .wait_for("Chen's last post", is_text(UNANSWERED))
        .await?;
    tomas.think(1).await?;
    tomas.say(&in_tests(text(MISSED))).await?;
    the_end(tomas).await
}

/// Everybody stays until Maya has closed the conversation.
async fn the_end(mut agent: Agent<'_>) -> Result<(Agent<'_>, ()), ClientError> {
    agent.wait_for("the end", is_text(CLOSING)).await?;
    Ok((agent.goodbye().await, ()))
}

impl Agent<'_> {
    /// Comes a little later than the others.
    async fn think_before_session(&self, beats: u32) {
        tokio::time::sleep(self.stage().pace.saturating_mul(beats)).await;
    }
}
