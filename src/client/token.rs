//! A bearer token: the proof of who one is.

use std::fmt;

use bridge_core::{ClientId, limits};
use reqwest::header::HeaderValue;
use serde::Deserialize;

/// A bearer token. It does not show itself.
///
/// Any text can be given as one, so that a wrong token never becomes part of an error message about
/// arguments; what is no token is noticed by [`Token::subject`] and [`Token::header`].
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

/// Why a text is not a token. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It has not the form of a JWT.
    #[error("this is not a token; agent-bridge token create --client NAME makes one")]
    NotAToken,
    /// It has, but names no client.
    #[error("the token's subject is not the name of a client")]
    NoSubject,
}

impl Token {
    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whose token it is. The signature is not verified: that is the server's business, which has
    /// the key, and refuses a session under any other name.
    ///
    /// # Errors
    /// When the text is not a token of a client.
    pub fn subject(&self) -> Result<ClientId, InvalidToken> {
        #[derive(Deserialize)]
        struct Claims {
            sub: String,
        }
        if self.0.len() > limits::TOKEN_BYTES_MAX {
            return Err(InvalidToken::NotAToken);
        }
        let claims: serde_json::Value =
            jsonwebtoken::dangerous::insecure_decode_claims(self.0.as_bytes())
                .map_err(|_| InvalidToken::NotAToken)?;
        let Claims { sub } = serde_json::from_value(claims).map_err(|_| InvalidToken::NoSubject)?;
        sub.parse().map_err(|_| InvalidToken::NoSubject)
    }

    /// The value of the header `Authorization`, marked as a secret.
    ///
    /// # Errors
    /// When the text cannot stand in a header.
    pub fn header(&self) -> Result<HeaderValue, InvalidToken> {
        let text = format!("Bearer {}", self.0);
        let mut header = HeaderValue::from_str(&text).map_err(|_| InvalidToken::NotAToken)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// White space around it, such as the end of a file's line, is no part of it.
impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text.trim().into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"alg":"EdDSA"}.{"sub":"ann","jti":"tok_1","exp":1}.` and a signature that fits nothing.
    const ANN: &str =
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4iLCJqdGkiOiJ0b2tfMSIsImV4cCI6MX0.c2lnbmF0dXJl";

    fn token(text: &str) -> Token {
        Token::from(text.to_owned())
    }

    #[test]
    fn the_subject_is_read_without_a_key() {
        let ann: ClientId = "ann".parse().expect("a name");
        assert_eq!(token(ANN).subject(), Ok(ann.clone()));
        assert_eq!(token(&format!("  {ANN}\n")).subject(), Ok(ann));
    }

    #[test]
    fn what_is_no_token_is_not_repeated() {
        let claims = |payload: &str| format!("e30.{payload}.c2ln");
        let table = [
            (String::new(), InvalidToken::NotAToken),
            ("secret".to_owned(), InvalidToken::NotAToken),
            ("a.b".to_owned(), InvalidToken::NotAToken),
            ("a.secret.c".to_owned(), InvalidToken::NotAToken),
            (
                "x".repeat(limits::TOKEN_BYTES_MAX + 1),
                InvalidToken::NotAToken,
            ),
            (claims("e30"), InvalidToken::NoSubject), // {}
            (claims("eyJzdWIiOiJhIGIifQ"), InvalidToken::NoSubject), // {"sub":"a b"}
            (claims("eyJzdWIiOiJhbGwifQ"), InvalidToken::NoSubject), // {"sub":"all"}
        ];
        for (text, why) in table {
            assert_eq!(token(&text).subject(), Err(why), "{text}");
            assert!(!why.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_token_does_not_show_itself() {
        let token = token("secret");
        assert_eq!(format!("{token:?}"), "Token(…)");
        let header = token.header().expect("a header");
        assert!(!format!("{header:?}").contains("secret"));
        assert!(Token::from("a\nb".to_owned()).header().is_err());
    }
}
