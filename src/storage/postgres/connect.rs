//! The way to a PostgreSQL database.

use std::fmt;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::Conn;
use super::url::{Parts, WrongUrl};
use crate::storage::OpenError;

/// What is asked of the connection itself, unless the URL says otherwise: to give up soon when
/// nobody answers, and to notice when the other side is gone.
const PARAMETERS: [(&str, &str); 6] = [
    ("application_name", "agent-bridge"),
    ("connect_timeout", "5"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
    ("tcp_user_timeout", "20000"),
];

/// What every writing connection says first. A database that lost sight of us ends our transaction,
/// and with it the locks that the next connection waits for.
const SETTINGS: &str = "SET synchronous_commit = on;\
     SET default_transaction_isolation = 'read committed';\
     SET default_transaction_read_only = off;\
     SET lock_timeout = '10s';\
     SET idle_in_transaction_session_timeout = '60s';\
     SET tcp_keepalives_idle = 10;\
     SET tcp_keepalives_interval = 5;\
     SET tcp_keepalives_count = 3;\
     SET client_min_messages = warning;";

/// Where a database is. Its `Debug` and `Display` say everything but the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    url: String,
}

impl Place {
    /// The place that a URL names.
    ///
    /// # Errors
    /// When it names none that this build can reach.
    pub fn parse(url: &str) -> Result<Self, WrongUrl> {
        let parts = Parts::of(url)?;
        let mode = parts.parameters().find(|(name, _)| *name == "sslmode");
        let needs_tls =
            mode.filter(|(_, mode)| ["require", "verify-ca", "verify-full"].contains(mode));
        if let Some((_, mode)) = needs_tls
            && !cfg!(feature = "postgres-tls")
        {
            return Err(WrongUrl::NoTls(mode.to_owned()));
        }
        Ok(Self {
            url: url.to_owned(),
        })
    }

    /// The URL with everything that a connection of a server asks for. Of several hosts it takes the
    /// one that may be written to, also for reading: another one would be behind it.
    pub(super) fn url(&self) -> String {
        self.url_with(&[&PARAMETERS[..], &[("target_session_attrs", "primary")]].concat())
    }

    /// The same for who only looks, which a copy is good enough for.
    pub(super) fn url_to_look(&self) -> String {
        self.url_with(&PARAMETERS)
    }

    fn url_with(&self, wanted: &[(&str, &str)]) -> String {
        let mut url = self.url.clone();
        let parts = self.parts();
        let mut separator = match parts.query {
            None => "?",
            Some("") => "",
            Some(_) => "&",
        };
        for (name, value) in wanted {
            if parts.parameters().all(|(given, _)| given != *name) {
                url.push_str(&format!("{separator}{name}={value}"));
                separator = "&";
            }
        }
        url
    }

    fn parts(&self) -> Parts<'_> {
        Parts::of(&self.url).expect("it was taken apart when this was made")
    }

    /// A connection that may write, with the settings on which durability rests.
    pub(super) fn connect_to_write(&self) -> Result<Conn, String> {
        let mut conn = Conn::establish(&self.url()).map_err(|why| why.to_string())?;
        conn.batch_execute(SETTINGS)
            .map_err(|why| why.to_string())?;
        Ok(conn)
    }

    /// Why this database cannot be used, with what to do about it.
    pub(super) fn failed(&self, why: String) -> OpenError {
        // What libpq cannot read in a URL it quotes, and it may be a password.
        let why = match why.contains("URI") {
            true => "libpq cannot read the parameters of its URL".to_owned(),
            false => why,
        };
        let hint = hint(&why);
        OpenError::Postgres {
            place: self.to_string(),
            why: why.trim().replace('\n', " "),
            hint,
        }
    }
}

/// What to do about an error, by the server's own words. It says them in the language that it was
/// set up with, so there is not always something to say.
fn hint(why: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().all(|word| why.contains(word));
    if has(&["database", "does not exist"]) {
        "; make it with `createdb`, or name another one in database.url"
    } else if has(&["permission denied"]) || has(&["must be owner"]) {
        "; its user must be allowed to create tables: make it the owner of the database, or GRANT \
         CREATE, USAGE ON SCHEMA public to it"
    } else if has(&["password authentication failed"]) || has(&["no password supplied"]) {
        "; look at the user and the password in database.url, or at PGPASSFILE"
    } else if has(&["Connection refused"]) || has(&["No such file or directory"]) {
        "; is PostgreSQL running there?"
    } else {
        ""
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        write!(f, "{}://", parts.scheme)?;
        if let Some(user) = parts.user {
            write!(f, "{user}@")?;
        }
        f.write_str(parts.place)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// Looks whether what we rely on is so.
pub(super) fn assert_settings(conn: &mut Conn, place: &Place) -> Result<(), OpenError> {
    let wanted = [("synchronous_commit", "on"), ("server_encoding", "UTF8")];
    for (setting, value) in wanted {
        let found = show(conn, setting).map_err(|why| place.failed(why.to_string()))?;
        if found != value {
            return Err(place.failed(format!(
                "{setting} must be {value}, but the database says {found}"
            )));
        }
    }
    for setting in ["fsync", "full_page_writes"] {
        let found = show(conn, setting).map_err(|why| place.failed(why.to_string()))?;
        if found != "on" {
            tracing::warn!(
                setting,
                found,
                "the database may lose what it has acknowledged when the power fails"
            );
        }
    }
    Ok(())
}

fn show(conn: &mut Conn, setting: &str) -> QueryResult<String> {
    diesel::select(current_setting(setting)).get_result(conn)
}

diesel::define_sql_function! {
    fn current_setting(name: Text) -> Text;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_does_not_show_its_password() {
        let place = Place::parse("postgres://ann:se:cr?et@db.example:5433/bridge?sslmode=disable");
        let place = place.expect("a place");
        assert_eq!(place.to_string(), "postgres://ann@db.example:5433/bridge");
        assert!(!format!("{place:?}").contains("se:cr"));
        let short = Place::parse("postgresql:///bridge").expect("a place");
        assert_eq!(short.to_string(), "postgresql:///bridge");
    }

    #[test]
    fn what_the_url_says_wins() {
        let url = Place::parse("postgres://h/d?connect_timeout=9")
            .expect("a place")
            .url();
        assert!(url.starts_with("postgres://h/d?connect_timeout=9&application_name=agent-bridge"));
        assert!(!url.contains("connect_timeout=5"), "{url}");
        let url = Place::parse("postgres://h/d").expect("a place").url();
        assert!(url.contains("/d?application_name=agent-bridge&connect_timeout=5&"));
        assert!(url.ends_with("&target_session_attrs=primary"));
        let odd = Place::parse("postgres://u:p?q@h/d?").expect("a place");
        let url = odd.url_to_look();
        assert!(url.starts_with("postgres://u:p?q@h/d?application_name=agent-bridge&"));
        assert!(!url.contains("target_session_attrs"), "{url}");
    }

    #[cfg(not(feature = "postgres-tls"))]
    #[test]
    fn tls_that_is_not_there_is_refused() {
        let url = "postgres://h/d?application_name=x&sslmode=verify-full";
        let refused = Place::parse(url).expect_err("no TLS in this build");
        assert!(refused.to_string().contains("--features postgres-tls"));
        assert!(Place::parse("postgres://h/d?sslmode=prefer").is_ok());
    }
}
