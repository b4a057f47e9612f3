//! `agent-bridge token`

use serde_json::Value;

use super::run;
use crate::support::binary::{Binary, folder};
use crate::support::{Ws, program};

#[tokio::test]
async fn a_token_is_made_without_a_server_and_works() {
    let folder = folder();
    let create = |args: &[&str]| {
        let mut command = program();
        command.args(["token", "create", "--client", "Maya", "--data-dir"]);
        run(command.arg(folder.path()).args(args))
    };
    let made = create(&["--json", "--scope", "room,message", "--ttl", "90m"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let made: Value = serde_json::from_str(&made.out).expect("a JSON object");
    let fields: Vec<_> = made.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["client", "expires_at", "jti", "scope", "token"]);
    assert_eq!(
        (&made["client"], &made["scope"]),
        (&"Maya".into(), &"room message".into())
    );
    assert!(
        made["jti"]
            .as_str()
            .is_some_and(|id| id.starts_with("tok_")),
        "{made}"
    );
    let plain = create(&[]);
    let plain = plain.out.strip_suffix('\n').expect("one line");
    let server = Binary::start(folder.path(), 0);
    for token in [made["token"].as_str().expect("a token"), plain] {
        let mut ws = Ws::open(server.addr, "Maya", token).await;
        assert_eq!(ws.hello().await["client"], "Maya");
    }
}

#[test]
fn a_token_that_makes_no_sense_is_not_made() {
    let folder = folder();
    for (args, names) in [
        (&["--client", "a b"][..], "A-Z a-z 0-9"),
        (&["--client", "me"], "reserved"),
        (&["--client", "ann", "--ttl", "0s"], "second"),
        (&["--client", "ann", "--ttl", "30"], "s, m, h or d"),
        (&["--client", "ann", "--scope", "king"], "king"),
        (&[], "--client"),
    ] {
        let mut command = program();
        let refused = run(command
            .args(["token", "create"])
            .args(args)
            .arg("--data-dir")
            .arg(folder.path()));
        assert_eq!(refused.code, Some(2), "{args:?}: {}", refused.err);
        assert!(refused.err.contains(names), "{args:?}: {}", refused.err);
        assert!(refused.out.is_empty(), "{}", refused.out);
    }
}

#[cfg(unix)]
#[test]
fn the_signing_key_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let data = folder.path().join("data");
    let create = || {
        let mut command = program();
        run(command
            .args(["token", "create", "--client", "ann", "--data-dir"])
            .arg(&data))
    };
    assert_eq!(create().code, Some(0));
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path)
            .expect("it was made")
            .permissions()
            .mode()
            & 0o777
    };
    let key = data.join("signing.key");
    assert_eq!((mode(&key), mode(&data)), (0o600, 0o700));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let refused = create();
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("signing.key") && refused.err.contains("chmod 600"),
        "{}",
        refused.err
    );
}
