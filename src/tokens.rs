//! Tokens: who may come in, and as whom.
//!
//! JWTs, signed with HS256 by a key in the data folder. RFC 8725's advice is kept: one algorithm,
//! required claims, an audience, no key named by the token itself, a bound on its size.

mod key;
mod tickets;

use std::time::Duration;

use bridge_core::principal::InvalidScope;
use bridge_core::{ClientId, Principal, Reject, Scopes, Timestamp, TokenId, limits};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

pub use key::{KEY_FILE, KeyError, SigningKey};
pub use tickets::{Ticket, TicketSecret, Tickets};

const ALGORITHM: Algorithm = Algorithm::HS256;

/// Whom a token is from and for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// Who signs.
    pub issuer: String,
    /// For whom.
    pub audience: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: i64,
    iat: i64,
    jti: String,
    scope: String,
}

/// A new token.
#[derive(Clone)]
pub struct Issued {
    /// The token itself.
    pub token: String,
    /// Its id.
    pub id: TokenId,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who comes, and what is allowed.
    pub principal: Principal,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Makes and checks tokens.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    realm: Realm,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// With a key.
    #[must_use]
    pub fn new(key: &SigningKey, realm: Realm) -> Self {
        // Another call has installed the same provider, or this one does.
        if jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER
            .install_default()
            .is_err()
        {
            tracing::trace!("the crypto provider is installed already");
        }
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[&realm.issuer]);
        validation.set_audience(&[&realm.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked below, against the clock that is passed in.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(key.as_bytes()),
            decoding: DecodingKey::from_secret(key.as_bytes()),
            validation,
            realm,
        }
    }

    /// Makes a token for a client.
    ///
    /// # Errors
    /// When it cannot be signed, or would never expire.
    pub fn issue(
        &self,
        client: &ClientId,
        scopes: &Scopes,
        lives_for: Duration,
        id: TokenId,
        now: Timestamp,
    ) -> Result<Issued, String> {
        let seconds = now.as_millis() / 1_000;
        let lives = i64::try_from(lives_for.as_secs()).map_err(|why| why.to_string())?;
        let exp = seconds
            .checked_add(lives)
            .ok_or("the token would never expire")?;
        let claims = Claims {
            iss: self.realm.issuer.clone(),
            aud: self.realm.audience.clone(),
            sub: client.to_string(),
            exp,
            iat: seconds,
            jti: id.to_string(),
            scope: scopes.to_string(),
        };
        let token = jsonwebtoken::encode(&Header::new(ALGORITHM), &claims, &self.encoding)
            .map_err(|why| why.to_string())?;
        let expires_at = Timestamp::from_millis(exp.saturating_mul(1_000));
        Ok(Issued {
            token,
            id,
            expires_at,
        })
    }

    /// Checks a token, when the wall clock shows `now` and has never shown more than `latest`: a
    /// token from before the clock was set back is not from the future.
    ///
    /// # Errors
    /// [`Reject::Unauthorized`] with a sentence that tells its owner what to do, and a forger
    /// nothing.
    pub fn verify(
        &self,
        token: &str,
        now: Timestamp,
        latest: Timestamp,
    ) -> Result<Verified, Reject> {
        let bad = Reject::Unauthorized(
            "the token is not one of this server's; make one with `agent-bridge token create`",
        );
        if token.len() > limits::TOKEN_BYTES_MAX {
            return Err(bad);
        }
        let claims = match jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation) {
            Ok(data) => data.claims,
            Err(why) => {
                tracing::debug!(error = %why, "a token was refused");
                return Err(bad);
            }
        };
        let leeway = i64::try_from(limits::TOKEN_LEEWAY_SECONDS).unwrap_or_default() * 1_000;
        let expires_at = Timestamp::from_millis(claims.exp.saturating_mul(1_000));
        if now >= expires_at.plus_millis(leeway) {
            return Err(Reject::Unauthorized(
                "the token has expired; make a new one",
            ));
        }
        let issued_at = Timestamp::from_millis(claims.iat.saturating_mul(1_000));
        if issued_at > latest.plus_millis(leeway) {
            return Err(Reject::Unauthorized(
                "the token is from the future; check the clocks",
            ));
        }
        let client: ClientId = claims.sub.parse().map_err(|_| bad.clone())?;
        let scopes: Result<Scopes, InvalidScope> = claims.scope.parse();
        let _id: TokenId = claims.jti.parse().map_err(|_| bad.clone())?;
        let principal = Principal::new(client, scopes.map_err(|_| bad)?);
        Ok(Verified {
            principal,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests;
