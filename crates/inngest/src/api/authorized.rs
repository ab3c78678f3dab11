//! Requests that prove who they come from (Inngest SDK specification, section 4.1.4).

use http::{HeaderValue, StatusCode, header};

use super::{Answer, Api, Unreachable};
use crate::config::SigningKey;

impl Api {
    /// Sends a request with the signing key, and once more with the fallback key if the server does not
    /// accept the first.
    pub(crate) async fn authorized(
        &self,
        request: impl Fn(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Result<Answer, Unreachable> {
        let what = "the server's API";
        let mut keys = self.config.signing_keys().peekable();
        loop {
            let key = keys.next();
            let mut request = request(&self.http);
            if let Some(key) = key {
                request = request.header(header::AUTHORIZATION, bearer(key));
            }
            let answer = self.send(what, request).await?;
            let is_refused =
                matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
            if !is_refused || keys.peek().is_none() {
                return Ok(answer);
            }
        }
    }
}

fn bearer(key: &SigningKey) -> HeaderValue {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.hashed()))
        .expect("a key is printable ASCII");
    value.set_sensitive(true);
    value
}
