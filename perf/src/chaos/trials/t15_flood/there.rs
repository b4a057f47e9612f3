//! Receivers at work, and those who write to them.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::inbox::Inbox;
use super::senders::{Flow, flood, trickle};
use super::{CALLS_EVERY, CALLS_FOR, DONE_EVERY, PATIENCE, TRICKLES_EVERY};
use crate::chaos::crowd::all;
use crate::chaos::http;
use crate::chaos::mail::Mailer;
use crate::chaos::server::Server;
use crate::clock::Clock;

/// How receivers take their messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Calls,
    Listens,
}

impl Way {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Calls => "caller",
            Self::Listens => "listener",
        }
    }
}

/// Receivers, and at which priorities they are written to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    pub(super) receivers: usize,
    pub(super) flood: u8,
    pub(super) trickle: u8,
    /// Messages that the flood keeps before each receiver.
    pub(super) backlog: i64,
}

/// All of them, at work.
pub(super) struct There {
    pub(super) way: Way,
    pub(super) inboxes: Vec<Arc<Inbox>>,
    pub(super) clock: Clock,
    pub(super) flow: watch::Sender<Flow>,
    pub(super) stop_trickle: watch::Sender<bool>,
    pub(super) stop_receivers: watch::Sender<bool>,
    pub(super) senders: JoinHandle<Result<Vec<()>, String>>,
    pub(super) receivers: JoinHandle<Result<Vec<()>, String>>,
}

impl Crowd {
    pub(super) fn come(self, server: &Server, way: Way) -> Result<There, String> {
        let http = http::client()?;
        let clock = Clock::start();
        let (flow, flowing) = watch::channel(Flow::Off);
        let (stop_trickle, trickling) = watch::channel(false);
        let (stop_receivers, receiving) = watch::channel(false);
        let (mut inboxes, mut receivers) = (Vec::new(), Vec::new());
        let mut senders: Vec<std::pin::Pin<Box<dyn Future<Output = _> + Send>>> = Vec::new();
        for n in 0..self.receivers {
            let name = format!("{}-{}-{n}", way.name(), self.flood);
            let inbox = Arc::new(Inbox::new(name.clone(), clock));
            let mailer = Mailer::new(&http, server, &name)?;
            let sender = |what| Mailer::new(&http, server, &format!("{what}-of-{name}"));
            let (to, stopping) = (Arc::clone(&inbox), receiving.clone());
            receivers.push(async move {
                match way {
                    Way::Calls => to.call(&mailer, CALLS_EVERY, CALLS_FOR, stopping).await,
                    Way::Listens => to.listen(&mailer, DONE_EVERY, stopping).await,
                }
            });
            let (flooder, trickler) = (sender("flood")?, sender("trickle")?);
            let to = Arc::clone(&inbox);
            senders.push(Box::pin(flood(
                flooder,
                to,
                self.flood,
                self.backlog,
                flowing.clone(),
            )));
            let (to, every) = (Arc::clone(&inbox), TRICKLES_EVERY);
            senders.push(Box::pin(trickle(
                trickler,
                to,
                self.trickle,
                every,
                trickling.clone(),
            )));
            inboxes.push(inbox);
        }
        Ok(There {
            way,
            inboxes,
            clock,
            flow,
            stop_trickle,
            stop_receivers,
            senders: tokio::spawn(all(senders, PATIENCE)),
            receivers: tokio::spawn(all(receivers, PATIENCE)),
        })
    }
}

impl There {
    pub(super) async fn until_calm(&self) {
        for inbox in &self.inboxes {
            inbox.until_less_than(CALLS_FOR as i64 * 2).await;
        }
    }

    /// Lets everything that was sent arrive, and everybody go.
    pub(super) async fn end(self) -> Result<(Way, Vec<Arc<Inbox>>), String> {
        self.flow.send_replace(Flow::Over);
        self.stop_trickle.send_replace(true);
        self.senders.await.map_err(|why| why.to_string())??;
        self.stop_receivers.send_replace(true);
        self.receivers.await.map_err(|why| why.to_string())??;
        Ok((self.way, self.inboxes))
    }
}
