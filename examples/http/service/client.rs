//! A client that seals its requests and opens the responses to them.

use axum::body::Body;
use hookstack_core::{Error, Result};
use hookstack_encryption::{Commitment, Context, Header, Keyset, Origin};
use http::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::drive::{Connection, Reply};

/// Knows the keys that the service knows.
pub(crate) struct Client {
    pub(crate) keys: Keyset,
    pub(crate) connection: Connection,
}

impl Client {
    /// Sends a value and returns status and value of the response. `route` is the template that the service
    /// registers and `path` what stands in its place: what is sealed for one route opens on no other.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        (route, path): (&str, &str),
        value: &impl Serialize,
    ) -> Result<(StatusCode, T)> {
        let context = Context::http_request(method.as_str(), route);
        let plaintext = serde_json::to_vec(value)?;
        let envelope = self.keys.seal(&context, &Origin::default(), &plaintext)?;
        // The response names the request that it answers: another one does not open with this.
        let request = Header::read(&envelope)?.commitment();
        let reply = self.connection.send(post(&method, path, envelope)?).await?;
        if reply.header("content-type") == "application/problem+json" {
            let function = format!("{method} {route}");
            return Err(self.problem(&function, request, &reply).with_status(reply.status));
        }
        let context = Context::http_response(method.as_str(), route, request);
        let opened = self.keys.open(&context, &reply.body)?;
        Ok((reply.status, serde_json::from_slice(opened.plaintext())?))
    }

    /// What a problem document tells. Its message is sealed; nobody vouches for the rest, which anybody on the way
    /// can write.
    fn problem(&self, function: &str, request: Commitment, reply: &Reply) -> Error {
        #[derive(Deserialize)]
        struct Problem {
            detail: String,
        }
        #[derive(Deserialize)]
        struct Contents {
            message: String,
        }
        let opened = serde_json::from_slice::<Problem>(&reply.body)
            .ok()
            .and_then(|problem| self.keys.open_error(function, &problem.detail).ok())
            .filter(|opened| opened.origin().trigger_id == request.to_string())
            .and_then(|opened| serde_json::from_slice::<Contents>(opened.plaintext()).ok());
        match opened {
            Some(contents) => Error::message(contents.message),
            None => Error::message(format!("the service, or somebody before it: {}", reply.status)),
        }
    }
}

fn post(method: &Method, path: &str, body: impl Into<Body>) -> Result<Request<Body>> {
    let request = Request::builder().method(method).uri(path);
    Ok(request.header("content-type", "application/json").body(body.into())?)
}
