//! The parts of a call request that were too large to be sent with it (Inngest SDK specification,
//! section 4.4.2).

use bytes::Bytes;
use hookstack_core::host::BoxFuture;
use hookstack_core::{Error, ErrorKind, Origin, Result};

use super::Api;
use crate::call::RunData;

impl RunData for Api {
    fn events<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<Bytes>> {
        Box::pin(fetch(self, run_id, "batch"))
    }

    fn steps<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<Bytes>> {
        Box::pin(fetch(self, run_id, "actions"))
    }
}

async fn fetch(api: &Api, run_id: &str, what: &str) -> Result<Bytes> {
    let url = format!("{}/v0/runs/{run_id}/{what}", api.config.api_origin());
    let answer = api.authorized(|http| http.get(&url)).await?;
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let status = answer.status.as_u16();
    let message =
        format!("field `ctx.use_api`: the server's API answered {status} for the run's {what}");
    Err(Error::of_kind(ErrorKind::Failure, message).with_origin(Origin::Host))
}
