//! What stops the start on PostgreSQL, in one clear sentence.

use crate::support::binary::{Said, folder, said};
use crate::support::postgres::Database;
use crate::support::program;

fn serve(url: &str) -> Said {
    let folder = folder();
    let output = program()
        .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path())
        .args(["--database-url", url])
        .output();
    said(output.expect("the program can be run"))
}

/// It did not start, and says why in words that contain these.
fn assert_refused(url: &str, names: &[&str]) {
    let refused = serve(url);
    assert!(matches!(refused.code, Some(1 | 2)), "{:?}", refused.code);
    assert!(refused.out.is_empty(), "{}", refused.out);
    for name in names {
        let err = &refused.err;
        assert!(err.contains(name), "{url}: without {name:?}: {err}");
    }
    assert!(!refused.err.contains("panicked"), "{}", refused.err);
    assert!(!refused.err.contains("s3cret"), "{}", refused.err);
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let database = Database::new();
    let url = database.url().replace("/test_", "/nowhere_");
    assert_refused(&url, &["nowhere_", "does not exist", "createdb"]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    // A port of the kind that nobody listens on.
    let url = "postgres://ann:s3cret@127.0.0.1:1/bridge";
    assert_refused(
        url,
        &[
            "postgres://ann@127.0.0.1:1/bridge",
            "refused",
            "is PostgreSQL running",
        ],
    );
}

#[test]
fn a_wrong_url_is_named() {
    for url in ["postgre://x/y", "mysql://ann:s3cret@x/y", "sqlite://"] {
        assert_refused(url, &["database.url", "postgres://user@host/database"]);
    }
}

/// What libpq cannot read it quotes, and it may be a password.
#[test]
fn a_password_that_is_not_written_as_in_a_url_is_not_told() {
    for (url, word) in [
        ("postgres://ann:100%zz-s3cret@127.0.0.1:1/d", "%25"),
        ("postgres://ann:x@s3cret@127.0.0.1:1/d", "%40"),
        ("postgres://ann:s3cret/d", "%2F"),
        ("postgres://ann:12/s3cret@127.0.0.1:1/d", "%2F"),
        ("postgres://127.0.0.1:1/d?password=a&s3cret", "%26"),
        (
            "postgres://127.0.0.1:1/d?password=a&s3cret=b",
            "cannot read",
        ),
        ("postgres://ann:my s3cret@127.0.0.1:1/d", "%20"),
        ("postgres://ann:s3cret@[::1]5432/d", "%3A"),
    ] {
        assert_refused(url, &[word]);
    }
    let odd = "postgres://ann:s3?cret@127.0.0.1:1/d";
    assert_refused(odd, &["postgres://ann@127.0.0.1:1/d", "refused"]);
}

#[cfg(not(feature = "postgres-tls"))]
#[test]
fn tls_that_is_not_built_in_is_named() {
    let url = "postgres://ann:s3cret@127.0.0.1:1/bridge?sslmode=require";
    assert_refused(url, &["database.url", "TLS", "postgres-tls"]);
}

#[test]
fn missing_rights_are_named() {
    let database = Database::new();
    let name = database.url().rsplit('/').next().expect("a name");
    let role = format!("poor_{name}");
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    database.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let url = database.url().replace("bridge@", &format!("{role}@"));
    assert_refused(&url, &["permission denied", "GRANT"]);
}

#[test]
fn a_newer_schema_is_left_alone() {
    let database = Database::new();
    drop(super::open(database.url()));
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')";
    database.sql(newer);
    assert_refused(database.url(), &["29991231000000", "newer"]);
}

#[test]
fn another_encoding_is_refused() {
    let database = Database::new();
    let name = database.url().rsplit('/').next().expect("a name");
    let other = format!("latin_{name}");
    database.sql(&format!(
        "CREATE DATABASE {other} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    ));
    let url = database.url().replace(name, &other);
    assert_refused(&url, &["server_encoding", "UTF8", "LATIN1"]);
}

/// What the database's settings say does not count for us.
#[test]
fn a_commit_waits_for_the_disk_whatever_the_database_is_set_to() {
    let database = Database::new();
    let name = database.url().rsplit('/').next().expect("a name");
    database.sql(&format!(
        "ALTER DATABASE {name} SET synchronous_commit = off"
    ));
    database.sql(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    let mut opened = super::open(database.url());
    super::append(&mut opened.log, 1).expect("it may write");
}
