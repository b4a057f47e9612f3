//! Tokens of a server, made with its own key.

use std::time::Duration;

use agent_bridge::system::{SystemClock, SystemIds};
use agent_bridge::tokens::Tokens;
use bridge_core::TokenId;
use bridge_core::ports::{Clock, Ids};

/// What a token allows when nothing is said.
pub(crate) const USUAL_SCOPES: &str = "message room orchestrate";
/// How long a token lives when nothing is said.
pub(crate) const USUAL_LIFE: Duration = Duration::from_secs(3_600);

/// A token for a client, made `ago` in the past.
pub(crate) fn mint(
    tokens: &Tokens,
    client: &str,
    scopes: &str,
    lives_for: Duration,
    ago: Duration,
) -> String {
    let client = client.parse().expect("a client's name");
    let scopes = scopes.parse().expect("scopes");
    let id = TokenId::from_uuid(SystemIds::default().uuid());
    let ago = i64::try_from(ago.as_millis()).expect("a short time");
    let now = SystemClock.now().plus_millis(-ago);
    let issued = tokens.issue(&client, &scopes, lives_for, id, now);
    issued.expect("a token").token
}
