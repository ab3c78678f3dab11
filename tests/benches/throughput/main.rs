//! Calls a second of a served function, beside a bare axum handler and the official SDKs.
//!
//! ```console
//! $ cargo bench -p hookstack-tests --bench throughput
//! ```
//!
//! One call: both steps of a two-step function are memoized, no middleware, nothing signed. Servers run on
//! one core and the load generator on another. The rounds of all servers alternate, because machines are
//! noisy; what counts are the ratios: of calls a second, and of the processor time of a call, which other
//! programs on the machine disturb less. The SDKs take part where they are installed, see `peers/README.md`.

#[path = "../support/generator.rs"]
mod generator;
#[path = "../support/process.rs"]
mod process;
mod servers;

use std::io;
use std::time::Duration;

use process::Server;

const CALL: &str = include_str!("call.json");
const PATH: &str = "/api/inngest?fnId=bench-bench-two-steps&stepId=step";
const ANSWER: &[u8] = br#"{"done":true}"#;
const CONNECTIONS: usize = 32;

/// The other servers are compared with this one.
const REFERENCE: &str = "bare axum handler";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, kind] = &arguments[..]
        && role == "serve"
    {
        return servers::serve(kind);
    }
    // `cargo bench -- --test` only asks whether it works.
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let (rounds, duration) =
        if is_test { (1, Duration::from_millis(200)) } else { (7, Duration::from_secs(2)) };

    process::move_to_core(1);
    let mut servers = vec![
        (REFERENCE, Server::of_this_program(&["serve", "bare"], &[])?),
        ("hookstack", Server::of_this_program(&["serve", "hookstack"], &[])?),
    ];
    for (name, peer) in
        [("Python SDK", servers::python()), ("TypeScript SDK", servers::typescript())]
    {
        match peer {
            Ok(Some(server)) => servers.push((name, server)),
            Ok(None) => println!("skipped: {name}, not installed (see peers/README.md)"),
            Err(error) => println!("skipped: {name}, {error}"),
        }
    }
    let measured = measure(&servers, rounds, duration)?;
    print(&measured);
    Ok(())
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

fn print(measured: &[Measured]) {
    let pinned = if process::pins() { "one core each" } else { "not pinned" };
    println!("{CONNECTIONS} connections; server and generator: {pinned}");
    println!(
        "{:<18} {:>9} {:>16} {:>6} {:>10} {:>6}",
        "", "calls/s", "least to most", "ratio", "CPU µs", "ratio"
    );
    let Some(bare) = measured.iter().find(|measured| measured.name == REFERENCE) else { return };
    for own in measured {
        // A ratio for each round, of figures that were measured one after the other.
        let ratio = |own: &[f64], bare: &[f64]| {
            median(own.iter().zip(bare).map(|(own, bare)| own / bare).collect()) * 100.0
        };
        let ends = own
            .calls_a_second
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(least, most), n| (least.min(*n), most.max(*n)));
        println!(
            "{:<18} {:>9.0} {:>16} {:>5.0}% {:>10.1} {:>5.0}%",
            own.name,
            median(own.calls_a_second.clone()),
            format!("{:.0} to {:.0}", ends.0, ends.1),
            ratio(&own.calls_a_second, &bare.calls_a_second),
            median(own.microseconds.clone()),
            // How many calls of this server the processor time of a bare one is worth.
            ratio(&bare.microseconds, &own.microseconds),
        );
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
