//! Load: 200 connections for 30 seconds, every answer checked, and the memory that the server has in use
//! after 5 seconds and at the end.
//!
//! ```console
//! $ cargo bench -p hookstack-tests --bench load
//! ```
//!
//! Each connection drives runs of a two-step function with encryption on, call by call, as a server would:
//! it hands the sealed results back. Fails on a wrong answer, and when the memory grows by more than 5 %. That it shrinks happens too: the
//! allocator gives memory back when it sees fit.

mod conversation;
#[path = "../support/generator.rs"]
mod generator;
#[path = "../support/process.rs"]
mod process;
mod server;

use std::io;
use std::time::{Duration, Instant};

use conversation::Conversation;
use process::Server;

const CONNECTIONS: usize = 200;
const DURATION: Duration = Duration::from_secs(30);
const FIRST_LOOK: Duration = Duration::from_secs(5);
const TOLERANCE: f64 = 0.05;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|role| role == "serve") {
        return server::serve();
    }
    // `cargo bench -- --test` only asks whether it works.
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let (duration, first_look) = match is_test {
        true => (Duration::from_secs(1), Duration::from_millis(500)),
        false => (DURATION, FIRST_LOOK),
    };
    let keys = hookstack_encryption::Key::generate().map_err(io::Error::other)?.to_text();
    let server = Server::of_this_program(&["serve"], &[(server::KEYS, &keys)])?;
    process::move_to_core(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let until = Instant::now() + duration;
        let events = server::sealed_events(&keys, CONNECTIONS)
            .await
            .map_err(|error| io::Error::other(error.to_string()))?;
        let conversations = events.into_iter().enumerate().map(|(number, event)| async move {
            let mut conversation = Conversation::open(server.address, number, event).await?;
            let mut runs = 0_u64;
            while Instant::now() < until {
                conversation.run(runs).await?;
                runs += 1;
            }
            io::Result::Ok(runs)
        });
        let look = async {
            tokio::time::sleep(first_look).await;
            server.resident_kib()
        };
        let (runs, early) = tokio::try_join!(futures::future::try_join_all(conversations), look)?;
        let late = server.resident_kib()?;
        let change = late as f64 / early as f64 - 1.0;
        let runs: u64 = runs.iter().sum();
        println!(
            "{CONNECTIONS} connections, {duration:?}: {runs} runs, {} calls, 0 wrong answers",
            runs * conversation::CALLS
        );
        println!(
            "resident memory: {early} KiB after {first_look:?}, {late} KiB at the end ({:+.1} %)",
            change * 100.0
        );
        if !is_test && change > TOLERANCE {
            return Err(io::Error::other("the memory grew by more than 5 %"));
        }
        Ok(())
    })
}
