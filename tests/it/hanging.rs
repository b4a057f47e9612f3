//! A disk that hangs for ever does not keep the server from ending.

use std::sync::Arc;

use agent_bridge::app::{Application, Seams};
use agent_bridge::config::{Config, Overrides};
use bridge_core::Seq;
use bridge_core::event::Stream;
use bridge_core::owner::Answer;
use bridge_core::ports::{Append, Log, LogFailure, Snapshot};
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::tokens::{USUAL_LIFE, USUAL_SCOPES, mint};
use crate::support::wait::PATIENCE;
use crate::support::{Rest, binary};

/// A log that never answers.
struct Hanging;

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

impl Log for Hanging {
    fn append(&mut self, _: &[&Append]) -> Result<Vec<Answer>, LogFailure> {
        hang()
    }

    fn save_snapshot(&mut self, _: &Stream, _: &Snapshot) -> Result<(), LogFailure> {
        Ok(())
    }

    fn follow_ups_done(&mut self, _: &[(Stream, Seq)]) -> Result<(), LogFailure> {
        Ok(())
    }

    fn upkeep(&mut self, _: bool) -> Result<(), LogFailure> {
        Ok(())
    }
}

#[test]
fn a_server_whose_disk_hangs_can_be_stopped() {
    let folder = binary::folder();
    let overrides = Overrides {
        bind: Some(([127, 0, 0, 1], 0).into()),
        data_dir: Some(folder.path().to_owned()),
        ..Overrides::default()
    };
    let config = Config::load(None, &overrides).expect("good settings");
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let ended = actix_web::rt::System::new().block_on(async {
            let seams = Seams {
                log: Arc::new(|_| Box::new(Hanging)),
                ..Seams::default()
            };
            let app = Application::build_with(&config, seams).expect("it starts");
            let usual = mint(
                &app.tokens(),
                "ann",
                USUAL_SCOPES,
                USUAL_LIFE,
                std::time::Duration::ZERO,
            );
            let ann = Rest::new(app.addr(), Some(usual));
            let (stop, stopped) = oneshot::channel::<()>();
            let asking = async move {
                let room = json!({"room": "den"});
                let asked = ann.request(reqwest::Method::POST, "/v1/rooms").json(&room);
                let asked = ann.try_send(asked);
                // It is on its way to the disk, or will be.
                drop(tokio::time::timeout(std::time::Duration::from_millis(300), asked).await);
                stop.send(()).expect("the server runs");
                std::future::pending::<()>().await;
            };
            let stop = async move { drop(stopped.await) };
            tokio::select! {
                ended = app.run(stop) => ended,
                () = asking => unreachable!("it waits for ever"),
            }
        });
        // The system, its runtime and its threads have been dropped by now.
        tell.send(ended.is_ok()).expect("the test waits for it");
    });
    let is_ok = told.recv_timeout(2 * PATIENCE);
    assert_eq!(is_ok, Ok(true), "it hangs with its disk");
}
