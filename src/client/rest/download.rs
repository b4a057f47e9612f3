//! An answer that is a file, of whatever size.

use bridge_core::Epoch;
use bytes::Bytes;
use reqwest::Method;
use reqwest::Response;
use reqwest::header::AUTHORIZATION;

use super::{ANSWER_WITHIN, RestClient, refusal};
use crate::client::ClientError;
use crate::wire::rest::EPOCH;

/// A file that is on its way.
#[derive(Debug)]
pub struct Download<'a> {
    client: &'a RestClient,
    response: Response,
    got: u64,
}

impl RestClient {
    /// Asks for a file. The server may need any time to make it, and it may take any time to come;
    /// it is not asked for twice.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn download(&self, path: &[&str]) -> Result<Download<'_>, ClientError> {
        let request = self
            .http
            .request(Method::POST, self.address.resource(path, &[]))
            .header(AUTHORIZATION, self.bearer.clone());
        let sent = request.send().await;
        let mut response = sent.map_err(|why| self.failed(&why, ANSWER_WITHIN))?;
        let status = response.status();
        if status.is_success() {
            return Ok(Download {
                client: self,
                response,
                got: 0,
            });
        }
        let body = self.read(&mut response, ANSWER_WITHIN).await?;
        Err(ClientError::Refused(Box::new(refusal(status, &body))))
    }
}

impl Download<'_> {
    /// How many bytes it has, if the server says so.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Of which life of the log it is, if the server says so.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        let header = self.response.headers().get(EPOCH)?;
        header.to_str().ok()?.parse().ok()
    }

    /// The next bytes; `None` after the last ones.
    ///
    /// # Errors
    /// See [`ClientError`]; also when the file ends too soon.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        let chunk = self.response.chunk().await;
        let chunk = chunk.map_err(|why| self.client.failed(&why, ANSWER_WITHIN))?;
        self.got += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        let is_short = self.bytes().is_some_and(|all| self.got < all);
        if chunk.is_none() && is_short {
            return Err(ClientError::Lost("the file was cut off".to_owned()));
        }
        Ok(chunk)
    }
}
