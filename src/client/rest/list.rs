//! Lists, which come in pages.

use bridge_core::limits;
use serde_json::{Value, json};

use super::RestClient;
use crate::client::error::ClientError;

impl RestClient {
    /// Reads a list up to so many items, page by page: `{items, next}`.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list(&self, path: &[&str], limit: u64) -> Result<Value, ClientError> {
        self.list_of(path, &[], limit).await
    }

    /// Reads a list of what fits a query, up to so many items.
    pub(super) async fn list_of(
        &self,
        path: &[&str],
        fits: &[(&str, String)],
        limit: u64,
    ) -> Result<Value, ClientError> {
        let mut items: Vec<Value> = Vec::new();
        let mut next = Value::Null;
        loop {
            let wanted = limit - items.len() as u64;
            let wanted = wanted.min(limits::PAGE_RECORDS_MAX as u64);
            let mut query = fits.to_vec();
            query.push(("limit", wanted.to_string()));
            if let Value::String(after) = &next {
                query.push(("after", after.clone()));
            }
            let mut page = self.get(path, &query).await?;
            let Value::Array(more) = page["items"].take() else {
                return Err(ClientError::Protocol("a list without items".to_owned()));
            };
            let before = std::mem::replace(&mut next, page["next"].take());
            // A page that leads to itself would be read for ever.
            let is_stuck = more.is_empty() || next == before;
            items.extend(more);
            if next.is_null() || is_stuck || items.len() as u64 >= limit {
                break;
            }
        }
        Ok(json!({ "items": items, "next": next }))
    }
}
