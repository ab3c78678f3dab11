//! Everything that leaves the process, kept instead of sent: real log lines, OTLP requests and Sentry
//! envelopes, byte for byte.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use sentry::{ClientOptions, Envelope, Transport, TransportFactory};

/// What was sent: to whom, and the bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Mutex<Vec<(&'static str, Vec<u8>)>>>);

pub(crate) const LOG: &str = "log line";
pub(crate) const COLLECTOR: &str = "OTLP request";
pub(crate) const SENTRY: &str = "Sentry envelope";

impl Wire {
    fn put(&self, to: &'static str, bytes: Vec<u8>) {
        self.sent().push((to, bytes));
    }

    pub(crate) fn sent(&self) -> MutexGuard<'_, Vec<(&'static str, Vec<u8>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each line is one `write`.
impl Write for Wire {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(LOG, line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In place of an HTTP client that talks to a collector.
#[async_trait::async_trait]
impl HttpClient for Wire {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let head = format!("{} {:?}\n", request.uri(), request.headers());
        self.put(COLLECTOR, [head.as_bytes(), request.body()].concat());
        Ok(Response::new(Bytes::new()))
    }
}

impl Transport for Wire {
    fn send_envelope(&self, envelope: Envelope) {
        let mut bytes = Vec::new();
        // Writing to memory does not fail.
        let _ = envelope.to_writer(&mut bytes);
        self.put(SENTRY, bytes);
    }
}

impl TransportFactory for Wire {
    fn create_transport(&self, _: &ClientOptions) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }
}
