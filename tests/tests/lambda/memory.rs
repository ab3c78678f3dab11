//! Memory over many invocations.

use serde_json::json;

use crate::support::App;

/// After a warm-up that fills pools and caches, a thousand invocations with everything switched on, failures
/// among them, must not make the process larger. What one of them would have to leave behind to be noticed is
/// 2 KiB, less than its payload.
#[tokio::test]
async fn a_thousand_invocations_leave_nothing_behind() {
    let keys = hookstack_encryption::Key::generate().expect("randomness").to_text().to_string();
    for settings in [vec![], vec![("HOOKSTACK_ENCRYPTION_KEYS", keys.as_str())]] {
        let settings = [&[("FLUSH_LAYER", "1"), ("MARKS", "1")], &settings[..]].concat();
        let mut app = App::start(&settings).await;
        rounds(&mut app, 300).await;
        let Some(before) = app.process.resident_bytes() else {
            eprintln!("skipped: this system does not tell how much memory a process has");
            return;
        };
        rounds(&mut app, 1000).await;
        let after = app.process.resident_bytes().expect("told before");
        let grown = after.saturating_sub(before);
        assert!(grown < 2 * 1024 * 1024, "{grown} bytes more than the {before} before");
    }
}

async fn rounds(app: &mut App, count: usize) {
    let value = "x".repeat(4096);
    for round in 0..count {
        let task = match round % 5 {
            0 => json!({ "do": "fail", "message": value }),
            _ => json!({ "do": "echo", "value": value }),
        };
        // Encryption refuses these as plaintext: a failure of another kind.
        app.run(task).await;
        app.api.clear();
        app.process.printed_lines();
    }
}
