use super::*;

fn load(file: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("bridge.toml");
    std::fs::write(&path, file).expect("a writable file");
    Config::load(Some(&path), overrides)
}

#[test]
fn the_reference_is_what_the_program_does() {
    let config = Config::load(None, &Overrides::default()).expect("good defaults");
    assert_eq!(config.server.bind.to_string(), "127.0.0.1:5001");
    let options = crate::actors::Options::default();
    assert_eq!(config.sessions.per_client, options.sessions_per_client);
    assert_eq!(config.sessions.total, options.sessions_total);
    let streams = bridge_core::limits::EVENT_STREAMS_TOTAL;
    assert_eq!(config.sessions.event_streams, streams);
    assert_eq!(config.heartbeat(), options.heartbeat);
    assert_eq!(config.room_idle(), options.room_idle);
    assert_eq!(config.password_cost(), Cost::default());
    let copied_from = bridge_core::limits::WAL_FRAMES_COPIED_FROM;
    assert_eq!(config.database.checkpoint_frames(), copied_from);
    assert_eq!(config.metrics.bind, None);
    assert_eq!(config.tracing.settings().unwrap(), None);
    assert_eq!(config.metrics.identity_values(), None);
}

#[test]
fn the_command_line_wins_over_the_file() {
    let overrides = Overrides {
        bind: Some("127.0.0.1:7".parse().unwrap()),
        ..Overrides::default()
    };
    let file = "[server]\nbind = \"127.0.0.1:6\"\nworkers = 3\n";
    let config = load(file, &overrides).unwrap();
    assert_eq!((config.server.bind.port(), config.server.workers), (7, 3));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (file, names) in [
        (
            "[server]\nbindd = \"127.0.0.1:1\"\n",
            vec!["bindd", "bridge.toml"],
        ),
        (
            "[server]\nbind = \"here\"\n",
            vec!["server.bind", "bridge.toml"],
        ),
        (
            "[sessions]\ntotal = \"many\"\n",
            vec!["sessions.total", "bridge.toml"],
        ),
        ("[sessions]\ntotal = 0\n", vec!["sessions.total", "from 1"]),
        (
            "[metrics]\nbind = \"9100\"\n",
            vec!["metrics.bind", "bridge.toml", "127.0.0.1:9100"],
        ),
        (
            "[metrics]\nbind = \"0.0.0.0:9100\"\n",
            vec!["metrics.bind", "allow_remote"],
        ),
        (
            "[tracing]\notlp_endpoint = \"localhost:4318\"\n",
            vec!["tracing.otlp_endpoint", "http://"],
        ),
        (
            "[tracing]\notlp_endpoint = \"http://here\"\notlp_sample = 1.5\n",
            vec!["tracing.otlp_sample", "from 0 to 1"],
        ),
        (
            "[database]\ncheckpoint_mib = 0\n",
            vec!["database.checkpoint_mib", "from 1"],
        ),
        (
            "[database]\ncheckpoint_mib = 257\n",
            vec!["database.checkpoint_mib", "to 256"],
        ),
        (
            "[metrics]\nidentity_values_max = 0\n",
            vec!["metrics.identity_values_max", "from 1"],
        ),
        (
            "[metrics]\nidentity_values_max = 1001\n",
            vec!["metrics.identity_values_max", "to 1000"],
        ),
        ("[serverr]\n", vec!["serverr", "bridge.toml"]),
        ("[server\n", vec!["bridge.toml"]),
        (
            "[server]\nbind = \"0.0.0.0:1\"\n",
            vec!["server.bind", "allow_remote"],
        ),
        (
            "[database]\nurl = \"mysql://x/y\"\n",
            vec!["database.url", "postgres://user@host/database"],
        ),
    ] {
        let why = load(file, &Overrides::default())
            .expect_err(file)
            .to_string();
        for name in names {
            assert!(why.contains(name), "{file:?}: {why}");
        }
    }
    let missing = Config::load(Some(Path::new("/nowhere/x.toml")), &Overrides::default());
    assert!(matches!(missing, Err(ConfigError::NoFile(_))));
}

#[test]
fn remote_addresses_have_to_be_allowed() {
    let file = "[server]\nbind = \"0.0.0.0:1\"\nallow_remote = true\n";
    assert!(load(file, &Overrides::default()).is_ok());
    assert!(load("[server]\nbind = \"[::1]:1\"\n", &Overrides::default()).is_ok());
}
