//! What sealing and opening cost, beside the bare ciphers and the Python and TypeScript packages.
//!
//! All work on the same files of JSON. The packages are programs of their own, which measure themselves: from a
//! value to the text of an envelope and back, as their users pay it.

use std::io;

use crate::encryption_peers as peers;
use crate::encryption_subjects::{OPEN, SEAL, all};
use crate::markdown::{Block, Table, number};
use crate::measure::{Effort, Measured};
use crate::payload;

const SIZES: [usize; 3] = [1024, 64 * 1024, 1024 * 1024];

/// A subject with its goals in microseconds, and the bare cipher that it is compared with.
type Row = (&'static str, Option<[f64; 3]>, Option<&'static str>);

const ROWS: [Row; 13] = [
    ("`aes-gcm` alone, encrypt", None, None),
    (SEAL, Some([1.3, 30.0, 475.0]), Some("`aes-gcm` alone, encrypt")),
    ("`aes-gcm` alone, decrypt", None, None),
    (OPEN, Some([1.4, 28.0, 450.0]), Some("`aes-gcm` alone, decrypt")),
    ("**open into a type**, RustCrypto", Some([4.0, 225.0, 3700.0]), None),
    ("AWS-LC alone, encrypt", None, None),
    ("**seal**, AWS-LC", Some([1.1, 14.0, 215.0]), Some("AWS-LC alone, encrypt")),
    ("AWS-LC alone, decrypt", None, None),
    ("**open**, AWS-LC", Some([1.1, 12.0, 185.0]), Some("AWS-LC alone, decrypt")),
    ("seal, ChaCha20-Poly1305, RustCrypto", None, None),
    ("open, ChaCha20-Poly1305, RustCrypto", None, None),
    ("peers' envelope, value to text", Some([5.0, 200.0, 3500.0]), None),
    ("peers' envelope, opened", None, None),
];

pub(crate) fn block(effort: Effort) -> io::Result<Block> {
    let mut measured = Vec::new();
    let mut of_peers = Vec::new();
    for size in SIZES {
        let file = payload::file(size)?;
        measured.push(Measured::of(all(&file.text), effort));
        of_peers.push(peers::measure(&file.path, effort.is_test())?);
    }
    let mut table = Table::new(&["µs", "1 KiB", "64 KiB", "1 MiB"]);
    for (name, goals, cipher) in ROWS {
        if measured.iter().any(|measured| !measured.has(name)) {
            eprintln!("absent: {name} (--features aws-lc)");
            continue;
        }
        let figures = measured.iter().map(|measured| measured.figure(name) / 1e3);
        row(&mut table, name, figures.map(number));
        if let Some(goals) = goals {
            let ratios = measured.iter().zip(goals);
            let of_goal = |(measured, goal): (&Measured, f64)| {
                format!("{:.2} × {goal}", measured.figure(name) / 1e3 / goal)
            };
            row(&mut table, "… of its goal", ratios.map(of_goal));
        }
        if let Some(cipher) = cipher {
            let ratios = measured.iter().map(|measured| measured.ratio(name, cipher));
            row(&mut table, "… of the cipher", ratios.map(|ratio| format!("{ratio:.2} ×")));
        }
    }
    for (at, peer) in of_peers[0].iter().enumerate() {
        let mut compared = |what: &str, own: &str, of: fn(&peers::Measured) -> f64| {
            let figures = of_peers.iter().map(|peers| peers.get(at).map_or(f64::NAN, of));
            let cell = |(figure, measured): (f64, &Measured)| {
                format!("{} ({:.0} ×)", number(figure), figure / (measured.figure(own) / 1e3))
            };
            row(&mut table, &format!("{}, {what}", peer.name), figures.zip(&measured).map(cell));
        };
        compared("value to text (times our seal)", SEAL, |peer| peer.seal);
        compared("text to value (times our open)", OPEN, |peer| peer.open);
    }
    Ok(Block { name: "encryption", text: table.finish() })
}

fn row(table: &mut Table, name: &str, cells: impl Iterator<Item = String>) {
    table.row(std::iter::once(name.to_owned()).chain(cells));
}
