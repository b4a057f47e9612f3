//! Where a server is.

use std::fmt;
use std::str::FromStr;

use bridge_core::ClientId;
use reqwest::Url;

/// A server's address: `http://host:port`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is not a server's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// The text is no URL, or names no host.
    #[error("must be an address such as http://127.0.0.1:5001")]
    NotAnAddress,
    /// A URL of something else.
    #[error("must begin with http:// or ws://, not {0}://")]
    Scheme(String),
    /// TLS was asked for.
    #[error(
        "{0}:// needs TLS, which this build does not have; put the server behind a reverse proxy \
         that ends TLS, or reach it through a tunnel: ssh -L 5001:127.0.0.1:5001 HOST, and then \
         http://127.0.0.1:5001"
    )]
    Tls(String),
    /// A user or a password. It would end up in logs, and the server wants a token.
    #[error("must not contain a user or a password; the server wants a token")]
    UserInfo,
    /// Something after the port.
    #[error("must end after the port; paths are the client's own business")]
    Path,
}

impl Address {
    /// The host, without the brackets of IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host)
    }

    /// The port, which is 80 when the address names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(80)
    }

    /// The URL of a resource. Segments and values may be any text; they are escaped.
    #[must_use]
    pub fn resource(&self, segments: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("an http URL has a path, and parsing let only http through")
            .pop_if_empty()
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Where a client's WebSocket is.
    #[must_use]
    pub fn socket(&self, client: &ClientId) -> String {
        let url = self.resource(&["ws", client.as_str()], &[]);
        format!("ws{}", url.as_str().trim_start_matches("http"))
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        // Without the slashes, `localhost:5001` would be a URL of the scheme `localhost`.
        let Some((scheme, rest)) = text.trim().split_once("://") else {
            return Err(InvalidAddress::NotAnAddress);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "ws" => {}
            tls @ ("https" | "wss") => return Err(InvalidAddress::Tls(tls.to_owned())),
            other => return Err(InvalidAddress::Scheme(other.to_owned())),
        }
        let url =
            Url::parse(&format!("http://{rest}")).map_err(|_| InvalidAddress::NotAnAddress)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidAddress::UserInfo);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidAddress::Path);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let table = [
            (
                "http://127.0.0.1:5001",
                "http://127.0.0.1:5001",
                "127.0.0.1",
                5001,
            ),
            (
                "ws://127.0.0.1:5001/",
                "http://127.0.0.1:5001",
                "127.0.0.1",
                5001,
            ),
            (
                "HTTP://Bridge.Example:8080",
                "http://bridge.example:8080",
                "bridge.example",
                8080,
            ),
            ("http://[::1]:5001", "http://[::1]:5001", "::1", 5001),
            (
                "http://bridge.example",
                "http://bridge.example",
                "bridge.example",
                80,
            ),
        ];
        for (text, shown, host, port) in table {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), shown);
            assert_eq!((address.host(), address.port()), (host, port), "{text}");
        }
    }

    #[test]
    fn anything_else_says_why() {
        let table = [
            ("", InvalidAddress::NotAnAddress),
            ("localhost:5001", InvalidAddress::NotAnAddress),
            ("http://", InvalidAddress::NotAnAddress),
            ("http://host:port", InvalidAddress::NotAnAddress),
            ("https://host", InvalidAddress::Tls("https".into())),
            ("WSS://host", InvalidAddress::Tls("wss".into())),
            ("ftp://host", InvalidAddress::Scheme("ftp".into())),
            ("http://ann:secret@host", InvalidAddress::UserInfo),
            ("http://host/bridge", InvalidAddress::Path),
            ("http://host/?token=x", InvalidAddress::Path),
        ];
        for (text, why) in table {
            assert_eq!(text.parse::<Address>(), Err(why), "{text:?}");
        }
        let why = "https://host"
            .parse::<Address>()
            .expect_err("no TLS")
            .to_string();
        assert!(
            why.contains("reverse proxy") && why.contains("ssh -L"),
            "{why}"
        );
    }

    #[test]
    fn resources_are_escaped() {
        let address: Address = "http://[::1]:5001".parse().expect("an address");
        let query = [("channel", "設計 & co".to_owned())];
        let url = address.resource(&["v1", "rooms", "a/../b?c"], &query);
        assert_eq!(
            url.as_str(),
            "http://[::1]:5001/v1/rooms/a%2F..%2Fb%3Fc?channel=%E8%A8%AD%E8%A8%88+%26+co"
        );
        let client = "ann".parse().expect("a name");
        assert_eq!(address.socket(&client), "ws://[::1]:5001/ws/ann");
    }
}
