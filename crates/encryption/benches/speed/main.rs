//! What sealing and opening cost, beside the bare ciphers and the Python and TypeScript packages, as one
//! table with the goals.
//!
//! ```console
//! $ cargo bench -p hookstack-encryption --features aws-lc --bench speed
//! ```
//!
//! The rounds of all subjects alternate, because machines are noisy; a figure is the median of the rounds,
//! a ratio the median of the ratios within each round. The packages take part where they are installed, see
//! `peers/README.md`. All work on the same files of JSON.

mod payload;
mod peers;
mod subjects;

use std::time::{Duration, Instant};

use subjects::{Direction, Subject};

fn main() -> std::io::Result<()> {
    // `cargo bench -- --test` only asks whether it works.
    let is_test = std::env::args().any(|argument| argument == "--test");
    let rounds = if is_test { 1 } else { 15 };
    let length = Duration::from_millis(if is_test { 1 } else { 60 });
    for size in payload::SIZES {
        let file = payload::file(size)?;
        let mut subjects = subjects::all(size, &file.text);
        let mut measured: Vec<Vec<f64>> = vec![Vec::new(); subjects.len()];
        for _ in 0..rounds {
            for (subject, measured) in subjects.iter_mut().zip(&mut measured) {
                measured.push(microseconds(subject, length));
            }
        }
        let peers = peers::measure(&file.path, is_test)?;
        print(size, &subjects, &measured, &peers);
    }
    Ok(())
}

/// One call in microseconds: the mean of as many as fit into `length`.
fn microseconds(subject: &mut Subject, length: Duration) -> f64 {
    let (started, mut calls) = (Instant::now(), 0_u32);
    while started.elapsed() < length {
        for _ in 0..subject.batch {
            (subject.run)();
        }
        calls += subject.batch;
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

fn print(size: usize, subjects: &[Subject], measured: &[Vec<f64>], peers: &[peers::Measured]) {
    println!("\n{} KiB of JSON", size / 1024);
    println!("{:<46} {:>10} {:>8} {:>7} {:>12}", "", "µs", "goal", "of goal", "of the cipher");
    let figures = |subject: &Subject| {
        let at = subjects
            .iter()
            .position(|other| other.name == subject.name && other.direction == subject.direction);
        at.map(|at| &measured[at])
    };
    for (subject, own) in subjects.iter().zip(measured) {
        let median_of_own = median(own.clone());
        let goal = subject.goal.map_or(String::new(), |goal| format!("{goal:.1}"));
        let of_goal = subject
            .goal
            .map_or(String::new(), |goal| format!("{:.0}%", median_of_own / goal * 100.0));
        let cipher = subjects.iter().find(|other| {
            Some(other.name) == subject.cipher && other.direction == subject.direction
        });
        let of_cipher = cipher.and_then(figures).map_or(String::new(), |cipher| {
            format!(
                "{:.2}x",
                median(own.iter().zip(cipher).map(|(own, cipher)| own / cipher).collect())
            )
        });
        println!(
            "{:<46} {median_of_own:>10.2} {goal:>8} {of_goal:>7} {of_cipher:>12}",
            format!("{}, {}", subject.name, subject.direction.label()),
        );
    }
    for peer in peers {
        for (direction, figure) in [(Direction::Seal, peer.seal), (Direction::Open, peer.open)] {
            let ours = subjects.iter().zip(measured).find(|(subject, _)| {
                subject.name == subjects::DEFAULT && subject.direction == direction
            });
            let ratio = ours.map_or(f64::NAN, |(_, own)| figure / median(own.clone()));
            println!(
                "{:<46} {figure:>10.2}   ({ratio:.0} times {})",
                format!("{}, {}", peer.name, direction.label()),
                subjects::DEFAULT
            );
        }
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
