//! What another program reads: Rotel, an OpenTelemetry collector, receives the spans of three processes,
//! decodes them, prints them and hands them on.
//!
//! Needs its binary, `rotel-agent` of the PyPI package `rotel`, in `HOOKSTACK_ROTEL`. Without it the test is
//! skipped and says so; with `CI` set it fails then.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hookstack_tests::order::TREE;
use hookstack_tests::sinks::otlp::{OtlpSink, tree};

use crate::processes::{run, start, stop};

/// Only the end of a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

struct Rotel {
    child: Child,
    printed: Receiver<String>,
    origin: String,
}

impl Rotel {
    /// Starts it: it receives over HTTP, prints what it decoded, and sends it to the sink.
    fn start(program: &str, sink: &OtlpSink) -> Self {
        let [http, grpc] = free_ports();
        let mut child = Command::new(program)
            .arg("start")
            .args(["--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-compression", "none"])
            .args(["--otlp-exporter-endpoint", &sink.origin()])
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
        while std::net::TcpStream::connect(&http).is_err() {
            assert!(began.elapsed() < PATIENCE, "it listens");
            std::thread::sleep(Duration::from_millis(10));
        }
        rotel
    }
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
    let sink = OtlpSink::start().await;
    let rotel = Rotel::start(&program, &sink);
    let processes = start(&rotel.origin, "1");
    run(&processes, "01JD5RZ3V00000000000000000").await;
    stop(processes);
    sink.until(|sink| sink.spans().len() == TREE.lines().count()).await;
    assert_eq!(tree(&sink.spans()), TREE);

    // And in its own words.
    let trace_id = hookstack_opentelemetry::trace_id_of_run("01JD5RZ3V00000000000000000");
    let mut missing: Vec<String> = TREE
        .lines()
        .map(|line| line.split_whitespace().take_while(|word| !word.starts_with(['!', '-'])))
        .map(|words| words.collect::<Vec<_>>().join(" "))
        .chain([trace_id.to_string()])
        .collect();
    let began = Instant::now();
    while !missing.is_empty() {
        let left = PATIENCE.saturating_sub(began.elapsed());
        let line = rotel.printed.recv_timeout(left);
        let line = line.unwrap_or_else(|_| panic!("it does not print {missing:?}"));
        missing.retain(|text| !line.contains(text.as_str()));
    }
}
