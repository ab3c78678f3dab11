//! One connection that drives runs as a server would.

use std::io;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::generator::{Connection, post};

const PATH: &str = "/api/inngest?fnId=load-two-steps&stepId=step";
const FIRST: &str = "98bf98df193bcce7c33e6bc50927cf2ac21206cb";
const SECOND: &str = "764e20ec975d4ef820d0f42e6a5833384bd7ee36";
/// How many calls a run has.
pub(crate) const CALLS: u64 = 3;

/// A text that no response may contain.
pub(crate) fn canary(number: usize) -> String {
    format!("CANARY-{number}")
}

pub(crate) struct Conversation {
    connection: Connection,
    number: usize,
    event: String,
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    op: String,
    data: Box<RawValue>,
}

impl Conversation {
    pub(crate) async fn open(
        address: SocketAddr,
        number: usize,
        event: String,
    ) -> io::Result<Self> {
        Ok(Conversation { connection: Connection::open(address).await?, number, event })
    }

    /// All calls of one run.
    pub(crate) async fn run(&mut self, run: u64) -> io::Result<()> {
        let run_id = format!("run-{}-{run}", self.number);
        let mut memos = Vec::new();
        for hash in [FIRST, SECOND] {
            let body = self.call(&run_id, &memos, 206).await?;
            let operations: Vec<Operation> = serde_json::from_slice(&body)?;
            match &operations[..] {
                [operation] if operation.id == hash && operation.op == "StepRun" => {
                    sealed(operation.data.get().as_bytes())?;
                    memos.push((hash, operation.data.get().to_owned()));
                }
                _ => return Err(wrong("operation", &body)),
            }
        }
        let result = self.call(&run_id, &memos, 200).await?;
        sealed(&result)
    }

    async fn call(
        &mut self,
        run_id: &str,
        memos: &[(&str, String)],
        status: u16,
    ) -> io::Result<Vec<u8>> {
        let event = &self.event;
        let list = |items: Vec<String>| items.join(",");
        let stack = list(memos.iter().map(|(hash, _)| format!("\"{hash}\"")).collect());
        let steps = list(
            memos.iter().map(|(hash, data)| format!("\"{hash}\":{{\"data\":{data}}}")).collect(),
        );
        let body = format!(
            r#"{{"version":1,"use_api":false,"ctx":{{"run_id":"{run_id}","attempt":0,"max_attempts":4,"disable_immediate_execution":false,"use_api":false,"stack":{{"stack":[{stack}],"current":{}}}}},"event":{event},"events":[{event}],"steps":{{{steps}}}}}"#,
            memos.len()
        );
        let response = self.connection.exchange(&post(PATH, &body)).await?;
        let body = response.body.to_vec();
        let canary = canary(self.number);
        let leaks = body.windows(canary.len()).any(|window| window == canary.as_bytes());
        if response.status != status || leaks {
            return Err(wrong("answer", &body));
        }
        Ok(body)
    }
}

/// An envelope, not a value.
fn sealed(json: &[u8]) -> io::Result<()> {
    let marked = json.windows(15).any(|window| window == b"\"__ENCRYPTED__\"");
    if marked { Ok(()) } else { Err(wrong("value that is not sealed", json)) }
}

fn wrong(what: &str, body: &[u8]) -> io::Error {
    io::Error::other(format!("wrong {what}: {}", String::from_utf8_lossy(body)))
}
