//! What another program reads: Rotel, an OpenTelemetry collector, receives the spans of three processes,
//! decodes them and prints them.
//!
//! Needs its binary, `rotel-agent` of the PyPI package `rotel`, in `HOOKSTACK_ROTEL`. Without it the test is
//! skipped and says so; with `CI` set it fails then.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use hookstack_tests::order::TREE;
use hookstack_tests::sinks::otlp::{SinkSpan, tree};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::Link;
use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};

use crate::processes::{run, start, stop};

/// Only the end of a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

const RUN_ID: &str = "01JD5RZ3V00000000000000000";

struct Rotel {
    child: Child,
    printed: Receiver<String>,
    origin: String,
}

impl Rotel {
    /// Starts it: it receives over HTTP, prints what it decoded, and sends it nowhere.
    fn start(program: &str) -> Self {
        let [http, grpc] = free_ports();
        let mut child = Command::new(program)
            .arg("start")
            .args(["--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
            .args(["--exporter", "blackhole"])
            .args(["--debug-log", "traces", "--debug-log-verbosity", "detailed"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("HOOKSTACK_ROTEL is a program");
        let output = child.stdout.take().expect("a pipe");
        let (sender, printed) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let rotel = Rotel { child, printed, origin: format!("http://{http}") };
        let began = Instant::now();
        while TcpStream::connect(&http).is_err() {
            assert!(began.elapsed() < PATIENCE, "it listens");
            std::thread::sleep(Duration::from_millis(10));
        }
        rotel
    }

    /// Ends it, which prints what is left: all spans.
    fn spans(self) -> Vec<SinkSpan> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", "TERM", &id]).status().expect("`kill` runs");
        assert!(status.success(), "the signal is delivered");
        let mut spans = Vec::new();
        loop {
            match self.printed.recv_timeout(PATIENCE) {
                Ok(line) => read(&mut spans, &line),
                Err(RecvTimeoutError::Disconnected) => return spans,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
    }
}

/// Reads a line of the listing, which tells about the span that it began last.
fn read(spans: &mut Vec<SinkSpan>, line: &str) {
    if line.starts_with("Span #") {
        spans.push(SinkSpan { service: String::new(), span: Span::default() });
        return;
    }
    let (Some(SinkSpan { span, .. }), Some((key, value))) =
        (spans.last_mut(), line.split_once(':'))
    else {
        return;
    };
    let value = value.trim();
    match key.trim() {
        "Trace ID" => span.trace_id = bytes(value),
        "Parent ID" => span.parent_span_id = bytes(value),
        "ID" => span.span_id = bytes(value),
        "Name" => span.name = value.to_owned(),
        "Status code" if value == "STATUS_CODE_ERROR" => {
            span.status = Some(Status { code: StatusCode::Error.into(), message: String::new() });
        }
        "-> Trace ID" => span.links.push(Link { trace_id: bytes(value), ..Link::default() }),
        "-> ID" => span.links.last_mut().expect("a link").span_id = bytes(value),
        attribute => {
            // `Str(text)`, `Int(1)`
            let value = value.split_once('(').and_then(|(_, value)| value.strip_suffix(')'));
            if let (Some(key), Some(value)) = (attribute.strip_prefix("-> "), value) {
                let value = Some(any_value::Value::StringValue(value.to_owned()));
                let value = Some(AnyValue { value });
                span.attributes.push(KeyValue {
                    key: key.to_owned(),
                    value,
                    ..KeyValue::default()
                });
            }
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}

impl Drop for Rotel {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that are free now.
fn free_ports() -> [String; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotel_reads_the_same_tree() {
    let Ok(program) = std::env::var("HOOKSTACK_ROTEL") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "HOOKSTACK_ROTEL is not set: see the file's head"
        );
        // Standard error of the process itself, which the test harness does not capture.
        let message =
            "skipped: HOOKSTACK_ROTEL is not set; see tests/tests/opentelemetry/rotel.rs\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
        return;
    };
    let rotel = Rotel::start(&program);
    let processes = start(&rotel.origin, "1");
    run(&processes, RUN_ID).await;
    stop(processes);
    let spans = rotel.spans();
    assert_eq!(tree(&spans), TREE);
    let trace_id = hookstack_opentelemetry::trace_id_of_run(RUN_ID).to_string();
    assert!(spans.iter().all(|span| span.trace_id() == trace_id));
}
