//! What waits for the client.

use serde_json::Value;

use super::RestClient;
use crate::client::error::ClientError;

impl RestClient {
    /// What waits for the client, the most urgent first: `{items, complete}`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn todo(&self) -> Result<Value, ClientError> {
        self.get(&["v1", "todo"], &[]).await
    }
}
