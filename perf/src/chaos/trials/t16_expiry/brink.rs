//! Messages whose recipients come at about the moment at which they expire.

use std::time::Duration;

use agent_bridge::system::SystemClock;
use bridge_core::Timestamp;
use bridge_core::ports::Clock as _;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::ends::{Ends, Said};
use crate::chaos::crowd::all;
use crate::chaos::http;
use crate::chaos::mail::{Mailer, instant, send_all};
use crate::chaos::server::Start;
use crate::chaos::setting::Setting;

/// Seconds for which messages live.
const LIVES: std::ops::RangeInclusive<u64> = 1..=3;
/// When somebody comes, in milliseconds after the moment of expiry: to open a session takes a while.
const COMES: std::ops::Range<i64> = -400..80;
/// How long one listens.
const LISTENS: Duration = Duration::from_millis(900);
const PATIENCE: Duration = Duration::from_secs(60);
/// The refusal of an acknowledgement of what has ended.
const TOO_LATE: &str = "stage_backwards";
/// Messages to each of them: one batch, one moment.
const MESSAGES: usize = 6;

/// One who comes.
struct Comer {
    mailer: Mailer,
    /// Its messages, and when they expire.
    messages: Vec<(String, Timestamp)>,
    comes_at: Timestamp,
    calls: bool,
    /// Whether it says that it is done with what it gets.
    acks: bool,
}

/// One server, and waves of messages.
pub(super) async fn round(setting: &Setting, number: u64, ends: &mut Ends) -> Result<(), String> {
    let folder = setting.folder()?;
    let server = Start::new(setting, folder.path())?.go()?;
    let http = http::client()?;
    let sender = Mailer::new(&http, &server, "sender")?;
    let mut peer = sender.silent().await?;
    let mut random = setting.random(number);
    let (waves, comers) = (setting.pick(1, 5), setting.pick(100, 250));
    for wave in 0..waves {
        setting.at(format!("wave {} of {waves}", wave + 1));
        let names: Vec<String> = (0..comers).map(|n| format!("wave-{wave}-{n}")).collect();
        let lives: Vec<u64> = names.iter().map(|_| random.random_range(LIVES)).collect();
        let frames: Vec<Value> = names
            .iter()
            .zip(&lives)
            .flat_map(|(name, seconds)| {
                let frame = json!({
                    "type": "send", "to": name, "text": name, "keep": true, "ttl_seconds": seconds,
                });
                std::iter::repeat_n(frame, MESSAGES)
            })
            .collect();
        let stored = send_all(&mut peer, &frames).await?;
        let mut running = Vec::new();
        for (place, stored) in stored.chunks(MESSAGES).enumerate() {
            let mailer = Mailer::new(&http, &server, &names[place])?;
            let comer = Comer::new(mailer, stored, lives[place], &mut random)?;
            running.push(comer.comes());
        }
        let came = all(running, PATIENCE).await?;
        let messages: Vec<(String, Said)> = came.into_iter().flatten().collect();
        ends.look_at_all(&sender, &messages, true).await?;
    }
    Ok(())
}

impl Comer {
    fn new(
        mailer: Mailer,
        stored: &[Value],
        seconds: u64,
        random: &mut StdRng,
    ) -> Result<Self, String> {
        let mut messages = Vec::new();
        for stored in stored {
            let id = stored["id"].as_str().unwrap_or_default().to_owned();
            let at = instant(stored["at"].as_str().unwrap_or_default())?;
            messages.push((id, at.plus_millis(seconds as i64 * 1_000)));
        }
        let first = messages.first().ok_or("nothing was sent")?.1;
        Ok(Self {
            mailer,
            messages,
            comes_at: first.plus_millis(random.random_range(COMES)),
            calls: random.random_bool(0.3),
            acks: random.random_bool(0.5),
        })
    }

    /// Comes, takes what there is, and returns what it said of each message and was told.
    async fn comes(self) -> Result<Vec<(String, Said)>, String> {
        let wait = self.comes_at.millis_since(SystemClock.now());
        sleep(Duration::from_millis(
            u64::try_from(wait).unwrap_or_default(),
        ))
        .await;
        let said = if self.calls {
            self.by_call().await?
        } else {
            self.by_session().await?
        };
        let of = |id: &String| {
            let found = said.iter().find(|(known, _)| known == id);
            found.map_or(Said::Nothing, |(_, said)| *said)
        };
        Ok(self
            .messages
            .iter()
            .map(|(id, _)| (id.clone(), of(id)))
            .collect())
    }

    async fn by_call(&self) -> Result<Vec<(String, Said)>, String> {
        let page = self.mailer.call(0).await?;
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        let mut said = Vec::new();
        for id in items.iter().filter_map(|item| item["id"].as_str()) {
            if !self.acks {
                continue;
            }
            let told = match self.mailer.ack(id, "done").await {
                Ok(_) => Said::Accepted,
                Err(why) if why.contains(TOO_LATE) => Said::Refused,
                Err(why) => return Err(why),
            };
            said.push((id.to_owned(), told));
        }
        Ok(said)
    }

    async fn by_session(&self) -> Result<Vec<(String, Said)>, String> {
        let mut peer = self.mailer.session().await?;
        let mut said = Vec::new();
        let listening = async {
            loop {
                let frame = peer.came().await?;
                if frame["type"] != "message" || !self.acks {
                    continue;
                }
                let id = frame["id"].as_str().unwrap_or_default().to_owned();
                let ack = json!({"type": "ack", "id": id, "stage": "done"});
                // It may have to go before it is answered.
                said.push((id, Said::Unanswered));
                let answer = peer.ask(ack).await?;
                let told = match (&answer["type"], &answer["code"]) {
                    (kind, _) if kind == "stored" => Said::Accepted,
                    (_, code) if code == TOO_LATE => Said::Refused,
                    _ => return Err(format!("an acknowledgement was answered {answer}")),
                };
                if let Some((_, last)) = said.last_mut() {
                    *last = told;
                }
            }
        };
        let ended: Result<Result<(), String>, _> = timeout(LISTENS, listening).await;
        match ended {
            Ok(ended) => ended.map(|()| said),
            Err(_) => Ok(said),
        }
    }
}
