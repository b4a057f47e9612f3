use std::fs;

use super::*;
use uuid::Uuid;

fn tokens(dir: &tempfile::TempDir) -> Tokens {
    let key = SigningKey::load_or_create(dir.path()).unwrap();
    Tokens::new(&key, realm())
}

fn realm() -> Realm {
    Realm {
        issuer: "agent-bridge".into(),
        audience: "agent-bridge".into(),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn id() -> TokenId {
    TokenId::from_uuid(Uuid::from_u128(9))
}

fn issue(tokens: &Tokens, lives: u64) -> String {
    let client = "Ann".parse().unwrap();
    let scopes = "room message".parse().unwrap();
    tokens
        .issue(
            &client,
            &scopes,
            Duration::from_secs(lives),
            id(),
            at(1_000),
        )
        .unwrap()
        .token
}

/// With a clock that was never set back.
fn verify(tokens: &Tokens, token: &str, now: Timestamp) -> Result<Verified, Reject> {
    tokens.verify(token, now, now)
}

#[test]
fn a_token_says_who_and_what_and_until_when() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = tokens(&dir);
    let verified = verify(&tokens, &issue(&tokens, 60), at(1_001)).unwrap();
    assert_eq!(verified.principal.client().as_str(), "Ann");
    assert_eq!(verified.principal.scopes().to_string(), "room message");
    assert_eq!(verified.expires_at, at(1_060));
}

#[test]
fn times_are_checked_against_the_given_clock() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = tokens(&dir);
    let token = issue(&tokens, 60);
    assert!(
        verify(&tokens, &token, at(1_064)).is_ok(),
        "within the leeway"
    );
    assert!(verify(&tokens, &token, at(1_065)).is_err(), "expired");
    assert!(
        verify(&tokens, &token, at(995)).is_ok(),
        "within the leeway"
    );
    assert!(verify(&tokens, &token, at(994)).is_err(), "from the future");
}

/// Set back by an hour and more, a clock does not shut out who came in a minute ago.
#[test]
fn a_token_from_before_the_clock_was_set_back_is_not_from_the_future() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = tokens(&dir);
    let token = issue(&tokens, 60);
    assert!(tokens.verify(&token, at(1), at(995)).is_ok());
    assert!(tokens.verify(&token, at(1), at(994)).is_err());
    assert!(tokens.verify(&token, at(1_065), at(9_000)).is_err());
}

#[test]
fn forgeries_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = tokens(&dir);
    let good = issue(&tokens, 60);
    let other_dir = tempfile::tempdir().unwrap();
    let other_key = self::tokens(&other_dir);
    let other_realm = {
        let key = SigningKey::load_or_create(dir.path()).unwrap();
        Tokens::new(
            &key,
            Realm {
                audience: "other".into(),
                ..realm()
            },
        )
    };
    let parts: Vec<&str> = good.split('.').collect();
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", parts[1]);
    // {"alg":"HS384","typ":"JWT"}
    let other_algorithm = format!(
        "eyJhbGciOiJIUzM4NCIsInR5cCI6IkpXVCJ9.{}.{}",
        parts[1], parts[2]
    );
    let long = "x".repeat(limits::TOKEN_BYTES_MAX + 1);
    for (what, token) in [
        ("another key", issue(&other_key, 60)),
        ("another audience", issue(&other_realm, 60)),
        ("unsigned", unsigned),
        ("another algorithm", other_algorithm),
        ("cut", good[..good.len() - 2].to_owned()),
        ("empty", String::new()),
        ("long", long),
    ] {
        let refused = verify(&tokens, &token, at(1_001)).expect_err(what);
        assert!(matches!(refused, Reject::Unauthorized(_)), "{what}");
    }
}

#[test]
fn claims_are_required_and_must_make_sense() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::load_or_create(dir.path()).unwrap();
    let tokens = Tokens::new(&key, realm());
    let good = serde_json::json!({
        "iss": "agent-bridge", "aud": "agent-bridge", "sub": "ann", "exp": 2_000, "iat": 1_000,
        "jti": id().to_string(), "scope": "room",
    });
    let sign = |claims: &serde_json::Value| {
        jsonwebtoken::encode(&Header::new(ALGORITHM), claims, &tokens.encoding).unwrap()
    };
    assert!(verify(&tokens, &sign(&good), at(1_001)).is_ok());
    for claim in ["iss", "aud", "sub", "exp", "iat", "jti", "scope"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(claim);
        assert!(
            verify(&tokens, &sign(&without), at(1_001)).is_err(),
            "without {claim}"
        );
    }
    for (claim, value) in [
        ("sub", "all"),
        ("sub", "a b"),
        ("scope", "root"),
        ("jti", "7"),
    ] {
        let mut bad = good.clone();
        bad[claim] = value.into();
        assert!(
            verify(&tokens, &sign(&bad), at(1_001)).is_err(),
            "{claim}: {value}"
        );
    }
}

#[test]
fn the_key_is_made_once_and_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let first = SigningKey::load_or_create(dir.path()).unwrap();
    let again = SigningKey::load_or_create(dir.path()).unwrap();
    assert_eq!(first.as_bytes(), again.as_bytes());
    assert!(!format!("{first:?}").contains(&format!("{:02x}", first.as_bytes()[0])));
    let path = dir.path().join(key::KEY_FILE);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = SigningKey::load_or_create(dir.path());
        assert!(matches!(exposed, Err(KeyError::Exposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(&path, "half a key").unwrap();
    assert!(matches!(
        SigningKey::load_or_create(dir.path()),
        Err(KeyError::NotAKey(_))
    ));
}
