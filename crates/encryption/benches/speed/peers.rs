//! The Python and TypeScript packages on the same files, each by a small program of its own.

use std::io;
use std::path::Path;
use std::process::Command;

/// In microseconds: from a value to the text of an envelope and back, as a user of the package pays it.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) seal: f64,
    pub(crate) open: f64,
}

pub(crate) fn measure(payload: &Path, is_test: bool) -> io::Result<Vec<Measured>> {
    let programs = [
        ("Python package", "HOOKSTACK_BENCH_PYTHON", "bench.py"),
        ("TypeScript package", "HOOKSTACK_BENCH_NODE_MODULES", "bench.cjs"),
    ];
    let mut measured = Vec::new();
    for (name, variable, program) in programs {
        let Ok(installed) = std::env::var(variable) else {
            println!("skipped: {name}, {variable} is not set (see peers/README.md)");
            continue;
        };
        let script = format!("{}/benches/speed/peers/{program}", env!("CARGO_MANIFEST_DIR"));
        let mut command = match program {
            "bench.py" => Command::new(installed),
            _ => {
                let mut node = Command::new("node");
                node.env("NODE_PATH", installed);
                node
            }
        };
        let seconds = if is_test { "0.01" } else { "1" };
        let output = command.arg(script).arg(payload).arg(seconds).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut figures = text.split_whitespace().map(str::parse::<f64>);
        let (Some(Ok(seal)), Some(Ok(open))) = (figures.next(), figures.next()) else {
            println!("skipped: {name}, {}", String::from_utf8_lossy(&output.stderr).trim());
            continue;
        };
        measured.push(Measured { name, seal, open });
    }
    Ok(measured)
}
