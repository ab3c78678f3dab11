//! Calls a second of a served function, beside a bare axum handler and the official SDKs.
//!
//! One call: both steps of a two-step function are memoized, no middleware, nothing signed. Servers run on
//! one core and the load generator on another. The rounds of all servers alternate; what counts are the ratios: of
//! calls a second, and of the processor time of a call, which other programs on the machine disturb less.

use std::io;
use std::time::Duration;

use crate::markdown::{Block, Table, number};
use crate::measure::median;
use crate::process::{self, Server};
use crate::{generator, peers};

const CALL: &str = include_str!("call.json");
const PATH: &str = "/api/inngest?fnId=bench-bench-two-steps&stepId=step";
const ANSWER: &[u8] = br#"{"done":true}"#;
const CONNECTIONS: usize = 32;

/// The other servers are compared with this one.
const REFERENCE: &str = "bare axum handler";

pub(crate) fn block(is_test: bool) -> io::Result<Block> {
    let (rounds, duration) =
        if is_test { (1, Duration::from_millis(100)) } else { (9, Duration::from_secs(1)) };
    process::move_to_core(1);
    let mut servers = vec![
        (REFERENCE, Server::of_this_program(&["serve", "bare"], &[])?),
        ("hookstack", Server::of_this_program(&["serve", "hookstack"], &[])?),
    ];
    let programs =
        [("Python SDK", peers::python("sdk.py")), ("TypeScript SDK", peers::node("sdk.cjs"))];
    for (name, program) in programs {
        match program.map(Server::of_command) {
            Some(Ok(server)) => servers.push((name, server)),
            Some(Err(error)) => eprintln!("absent: {name}, {error}"),
            None => {}
        }
    }
    let measured = measure(&servers, rounds, duration)?;
    Ok(Block { name: "served", text: table(&measured) })
}

/// What was measured of one server, a figure for each round.
struct Measured {
    name: &'static str,
    calls_a_second: Vec<f64>,
    /// Processor time of a call in microseconds.
    microseconds: Vec<f64>,
}

fn measure(
    servers: &[(&'static str, Server)],
    rounds: usize,
    duration: Duration,
) -> io::Result<Vec<Measured>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let request = generator::post(PATH, CALL.trim());
    let mut measured: Vec<Measured> = servers
        .iter()
        .map(|(name, _)| Measured { name, calls_a_second: Vec::new(), microseconds: Vec::new() })
        .collect();
    for _ in 0..rounds {
        for ((_, server), measured) in servers.iter().zip(&mut measured) {
            let before = server.processor_time()?;
            let load = generator::repeat(server.address, CONNECTIONS, duration, &request, ANSWER);
            let (calls, took) = runtime.block_on(load)?;
            let used = server.processor_time()? - before;
            measured.calls_a_second.push(calls as f64 / took.as_secs_f64());
            measured.microseconds.push(used.as_secs_f64() * 1e6 / calls as f64);
        }
    }
    Ok(measured)
}

fn table(measured: &[Measured]) -> String {
    let mut table =
        Table::new(&["server", "calls a second", "of the bare handler", "by processor time"]);
    let Some(bare) = measured.iter().find(|measured| measured.name == REFERENCE) else {
        return String::new();
    };
    for own in measured {
        // A ratio for each round, of figures that were measured one after the other.
        let ratio = |own: &[f64], bare: &[f64]| {
            let ratios = own.iter().zip(bare).map(|(own, bare)| own / bare).collect();
            format!("{:.0} %", median(ratios) * 100.0)
        };
        table.row([
            own.name,
            &number(median(own.calls_a_second.clone())),
            &ratio(&own.calls_a_second, &bare.calls_a_second),
            // How many calls of this server the processor time of a bare one is worth.
            &ratio(&bare.microseconds, &own.microseconds),
        ]);
    }
    let pinned = if process::pins() { "on a core each" } else { "not pinned" };
    format!(
        "{}\n{CONNECTIONS} connections; server and generator {pinned}. The goal is 65 %.\n",
        table.finish()
    )
}
