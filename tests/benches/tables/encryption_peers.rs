//! The Python and TypeScript packages on the same files, each by a small program of its own.

use std::io;
use std::path::Path;

use crate::peers;

/// In microseconds: from a value to the text of an envelope and back, as a user of the package pays it.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) seal: f64,
    pub(crate) open: f64,
}

/// Those that are installed.
pub(crate) fn measure(payload: &Path, is_test: bool) -> io::Result<Vec<Measured>> {
    let seconds = if is_test { "0.01" } else { "1" };
    let programs = [
        ("Python package", peers::python("encryption.py")),
        ("TypeScript package", peers::node("encryption.cjs")),
    ];
    let mut measured = Vec::new();
    for (name, program) in programs {
        let Some(mut command) = program else { continue };
        let output = command.arg(payload).arg(seconds).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut figures = text.split_whitespace().map(str::parse::<f64>);
        let (Some(Ok(seal)), Some(Ok(open))) = (figures.next(), figures.next()) else {
            eprintln!("absent: {name}, {}", String::from_utf8_lossy(&output.stderr).trim());
            continue;
        };
        measured.push(Measured { name, seal, open });
    }
    Ok(measured)
}
