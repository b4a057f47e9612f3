//! A PostgreSQL URL, taken apart as libpq does it.
//!
//! What libpq cannot read it quotes, and it may be a password. So it is looked at here first, and
//! refused in words that quote nothing.

/// A URL that names no PostgreSQL database that this build can reach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongUrl {
    /// Its beginning is another.
    #[error("a PostgreSQL database is named like postgres://user@host/database")]
    NotPostgres,
    /// It asks for TLS.
    #[error(
        "it asks for TLS (sslmode={0}), and this program was built without it: build it with \
         --features postgres-tls"
    )]
    NoTls(String),
    /// A percent sign that begins no escape.
    #[error("a % in it is not followed by two hexadecimal digits; a % itself is written %25")]
    Escape,
    /// An at sign that does not stand between a user and a host: one or both of a password.
    #[error(
        "an @ in it does not stand between the user and the host; in a password and in the name of a \
         database @ and / are written %40 and %2F"
    )]
    At,
    /// A port that is none.
    #[error(
        "what is behind its host is no : with a port; in a password / ? # and : are written %2F %3F \
         %23 and %3A"
    )]
    Port,
    /// A character that a URL cannot have.
    #[error("it has a space or a control character; a space is written %20")]
    Space,
    /// A parameter without a value, or with two.
    #[error("what is behind its ? must be like name=value&name=value; & is written %26")]
    Parameter,
}

/// The parts of a URL, as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    pub(super) user: Option<&'a str>,
    /// The hosts with their ports, and the database.
    pub(super) place: &'a str,
    pub(super) query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    pub(super) fn of(url: &'a str) -> Result<Self, WrongUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(WrongUrl::NotPostgres)?;
        if !["postgres", "postgresql"].contains(&scheme) {
            return Err(WrongUrl::NotPostgres);
        }
        let (user, rest) = match rest.find(['@', '/']) {
            Some(at) if rest[at..].starts_with('@') => (Some(&rest[..at]), &rest[at + 1..]),
            _ => (None, rest),
        };
        let (place, query) = match rest.split_once('?') {
            Some((place, query)) => (place, Some(query)),
            None => (rest, None),
        };
        let parts = Self {
            scheme,
            user: user.map(|user| user.split_once(':').map_or(user, |(user, _)| user)),
            place,
            query,
        };
        if url.contains(|char: char| char.is_whitespace() || char.is_control()) {
            return Err(WrongUrl::Space);
        }
        if !are_escapes_good(url) {
            return Err(WrongUrl::Escape);
        }
        parts.look_at_hosts()?;
        parts.look_at_query()?;
        Ok(parts)
    }

    fn look_at_hosts(&self) -> Result<(), WrongUrl> {
        let (hosts, _) = self.place.split_once('/').unwrap_or((self.place, ""));
        if self.place.contains('@') {
            return Err(WrongUrl::At);
        }
        if hosts.split(',').all(is_host) {
            Ok(())
        } else {
            Err(WrongUrl::Port)
        }
    }

    fn look_at_query(&self) -> Result<(), WrongUrl> {
        let query = self.query.filter(|query| !query.is_empty());
        let mut given = query.into_iter().flat_map(|query| query.split('&'));
        if given.all(|one| one.matches('=').count() == 1) {
            Ok(())
        } else {
            Err(WrongUrl::Parameter)
        }
    }

    /// The parameters behind the question mark.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let given = self.query.unwrap_or_default().split('&');
        given.filter_map(|parameter| parameter.split_once('='))
    }
}

/// Whether it is a name, or an IPv6 address in brackets, and a port behind it that is one.
fn is_host(host: &str) -> bool {
    let port = match host.strip_prefix('[') {
        None => host.split_once(':').map_or("", |(_, port)| port),
        Some(address) => match address.split_once(']') {
            Some(("", _)) | None => return false,
            Some((_, "")) => "",
            Some((_, behind)) => match behind.strip_prefix(':') {
                Some(port) => port,
                None => return false,
            },
        },
    };
    port.is_empty() || port.parse::<u16>().is_ok()
}

/// Whether each percent sign begins the escape of a byte, which must not be 0.
fn are_escapes_good(url: &str) -> bool {
    url.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().first_chunk::<2>();
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit) && digits != b"00")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (Option<&str>, &str, Option<&str>) {
        let parts = Parts::of(url).unwrap_or_else(|why| panic!("{url}: {why}"));
        (parts.user, parts.place, parts.query)
    }

    #[test]
    fn it_is_taken_apart_as_libpq_does_it() {
        for (url, expected) in [
            ("postgres://", (None, "", None)),
            ("postgres://h", (None, "h", None)),
            ("postgresql:///d", (None, "/d", None)),
            ("postgres://u@h/d", (Some("u"), "h/d", None)),
            (
                "postgres://u:p@h:5433/d?a=b",
                (Some("u"), "h:5433/d", Some("a=b")),
            ),
            ("postgres://u:p?q@h/d?a=b", (Some("u"), "h/d", Some("a=b"))),
            ("postgres://u:p:q@h/d", (Some("u"), "h/d", None)),
            ("postgres://h/d%40e", (None, "h/d%40e", None)),
            (
                "postgres://u@[::1]:1,h2:2/d",
                (Some("u"), "[::1]:1,h2:2/d", None),
            ),
            (
                "postgres://u@h/d?a=b%20c&e=",
                (Some("u"), "h/d", Some("a=b%20c&e=")),
            ),
            ("postgres://u@%2Ftmp/d", (Some("u"), "%2Ftmp/d", None)),
        ] {
            assert_eq!(parts(url), expected, "{url}");
        }
    }

    #[test]
    fn what_libpq_would_quote_is_refused_in_words_that_quote_nothing() {
        for (url, expected) in [
            ("", WrongUrl::NotPostgres),
            ("mysql://h/d", WrongUrl::NotPostgres),
            ("postgres:/h", WrongUrl::NotPostgres),
            ("http://postgres://", WrongUrl::NotPostgres),
            ("postgres://u:100%zz-s3cret@h/d", WrongUrl::Escape),
            ("postgres://u:s3cret%@h/d", WrongUrl::Escape),
            ("postgres://u:s3cret%00@h/d", WrongUrl::Escape),
            ("postgres://u:s3cret%字@h/d", WrongUrl::Escape),
            ("postgres://u:s3@cret@h/d", WrongUrl::At),
            ("postgres://u:s3cret/d", WrongUrl::Port),
            ("postgres://u:s3/cret@h/d", WrongUrl::At),
            ("postgres://u:3/cret@h/d", WrongUrl::At),
            ("postgres://u@h:99999/d", WrongUrl::Port),
            ("postgres://u:s3cret@[::1]5432/d", WrongUrl::Port),
            ("postgres://u:s3cret@[]/d", WrongUrl::Port),
            ("postgres://u:s3cret@[::1/d", WrongUrl::Port),
            ("postgres://u:s3 cret@h/d", WrongUrl::Space),
            ("postgres://u@h/d?password=s3\tcret", WrongUrl::Space),
            ("postgres://u@[::1]:x/d", WrongUrl::Port),
            ("postgres://u@h/d?password", WrongUrl::Parameter),
            ("postgres://u@h/d?password=s3=cret", WrongUrl::Parameter),
            ("postgres://u@h/d?password=s3&cret", WrongUrl::Parameter),
        ] {
            assert_eq!(Parts::of(url), Err(expected.clone()), "{url}");
            assert!(!expected.to_string().contains("cret"));
        }
    }
}
