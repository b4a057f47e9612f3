//! What stops the start, in one clear sentence.

use std::path::Path;
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};

use super::run;
use crate::support::binary::{Binary, Said, folder};
use crate::support::program;

fn serve(folder: &Path, change: impl FnOnce(&mut Command)) -> Said {
    let mut command = program();
    command
        .args(["serve", "--data-dir"])
        .arg(folder)
        .env("AGENT_BRIDGE__SERVER__BIND", "127.0.0.1:0");
    change(&mut command);
    run(&mut command)
}

/// It did not start, and says why in words that contain these.
fn assert_refused(refused: &Said, names: &[&str]) {
    assert!(
        matches!(refused.code, Some(1 | 2)),
        "{:?}: {}",
        refused.code,
        refused.err
    );
    assert!(refused.out.is_empty(), "{}", refused.out);
    for name in names {
        assert!(
            refused.err.contains(name),
            "without {name:?}: {}",
            refused.err
        );
    }
    assert!(!refused.err.contains("panicked"), "{}", refused.err);
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    let folder = folder();
    let file = folder.path().join("bridge.toml");
    for (text, names) in [
        ("[server]\nbindd = \"x\"\n", &["bindd", "bridge.toml"][..]),
        (
            "[sessions]\ntotal = \"many\"\n",
            &["sessions.total", "bridge.toml"],
        ),
        (
            "[sessions]\nheartbeat_seconds = 0\n",
            &["sessions.heartbeat_seconds"],
        ),
        ("[server\n", &["bridge.toml"]),
        ("[log]\nlevel = \"loud=x=y\"\n", &["log.level"]),
        ("[auth]\npassword_passes = 0\n", &["password_passes"]),
    ] {
        std::fs::write(&file, text).expect("a writable folder");
        let refused = serve(folder.path(), |command| {
            command.arg("--config").arg(&file);
        });
        assert_refused(&refused, names);
    }
    let refused = serve(folder.path(), |command| {
        command.args(["--config", "nowhere.toml"]);
    });
    assert_refused(&refused, &["nowhere.toml"]);
}

#[test]
fn a_wrong_variable_or_flag_is_named() {
    let folder = folder();
    for (name, value, names) in [
        ("AGENT_BRIDGE__SESSIONS__TOTAL", "many", &["TOTAL"][..]),
        ("AGENT_BRIDGE__SESSIONS__TOTALS", "1", &["totals"]),
        (
            "AGENT_BRIDGE__DATABASE__URL",
            "mysql://x",
            &["database.url"],
        ),
    ] {
        let refused = serve(folder.path(), |command| {
            command.env(name, value);
        });
        let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let err = refused.err.to_lowercase();
        assert!(
            names.iter().all(|name| err.contains(name)),
            "{names:?}: {}",
            refused.err
        );
        assert_refused(&refused, &[]);
    }
    for (flag, names) in [
        (&["--bind", "here"][..], "--bind"),
        (&["--bind", "127.0.0.1:70000"], "--bind"),
        (&["--nonsense"], "--nonsense"),
        (&["--demo", "--database-url", "sqlite://x"], "--demo"),
    ] {
        let refused = serve(folder.path(), |command| {
            command.args(flag);
        });
        assert_refused(&refused, &[names]);
    }
}

#[tokio::test]
async fn other_machines_are_let_in_only_when_it_is_said_twice() {
    let folder = folder();
    let refused = serve(folder.path(), |command| {
        command.args(["--bind", "0.0.0.0:0"]);
    });
    assert_refused(&refused, &["server.bind", "--allow-remote"]);
    let server = Binary::start_with(folder.path(), 0, |command| {
        command.args(["--allow-remote"]);
    });
    server.session("ann").await.settled().await;
}

#[tokio::test]
async fn one_folder_has_one_server() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let refused = serve(folder.path(), |_| {});
    let path = folder.path().to_str().expect("UTF-8");
    assert_refused(&refused, &["another agent-bridge server", path]);
    server.session("ann").await.settled().await;
    let port = server.addr.port();
    let other = folder.path().join("other");
    let refused = serve(&other, |command| {
        command.args(["--bind", &format!("127.0.0.1:{port}")]);
    });
    assert_refused(&refused, &["cannot listen", &port.to_string()]);
    // The lock goes with its process, however it ends.
    server.kill();
    Binary::start(folder.path(), 0)
        .session("ann")
        .await
        .settled()
        .await;
}

#[test]
fn a_newer_schema_is_left_alone() {
    let folder = folder();
    Binary::start(folder.path(), 0).kill();
    let file = folder.path().join("bridge.sqlite3");
    let mut database =
        SqliteConnection::establish(file.to_str().expect("UTF-8")).expect("it is there");
    database
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')")
        .expect("diesel's own table");
    drop(database);
    assert_refused(&serve(folder.path(), |_| {}), &["29991231000000", "newer"]);
}

#[test]
fn what_is_no_database_is_left_alone() {
    let folder = folder();
    let file = folder.path().join("bridge.sqlite3");
    let text = "This is somebody's diary.\n".repeat(1_000);
    std::fs::write(&file, &text).expect("a writable folder");
    assert_refused(&serve(folder.path(), |_| {}), &["bridge.sqlite3"]);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), text);
}
