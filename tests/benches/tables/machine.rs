//! Under which circumstances it was measured.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// One paragraph: machine, compiler, date, load.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()))
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.split_whitespace().nth(1).map(str::to_owned));
    format!(
        "Measured on {} on {cores} cores of {} ({}), rustc {}, {}.",
        date(),
        processor().unwrap_or_else(|| "an unknown processor".to_owned()),
        std::env::consts::OS,
        rustc.as_deref().unwrap_or("unknown"),
        load(),
    )
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    let name = line.split_once(':')?.1.trim().to_owned();
    let sha = if text.contains(" sha_ni") { ", SHA instructions" } else { "" };
    let aes = if text.contains(" vaes") { " with VAES" } else { "" };
    Some(format!("{name}{aes}{sha}"))
}

/// How busy the machine is with all programs, this one included.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    match text.split_whitespace().nth(1).and_then(|load| load.parse::<f64>().ok()) {
        Some(load) if load < 1.3 => format!("little else running (load {load})"),
        Some(load) => format!("while other programs ran (load {load})"),
        None => "under unknown load".to_owned(),
    }
}

fn date() -> String {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs() / 86_400);
    // Howard Hinnant's civil_from_days.
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * of_year + 2) / 153;
    let day = of_year - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}
