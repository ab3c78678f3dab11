//! Memory over many invocations.

use hookstack_tests::runtime_api::FUNCTION;
use serde_json::{Value, json};

use crate::encryption::Caller;
use crate::support::App;

/// After a warm-up that fills pools and caches, a thousand invocations with everything switched on, failures
/// among them, must not make the process larger. What each of them would have to leave behind to be noticed is
/// 2 KiB, less than its payload.
#[tokio::test]
async fn a_thousand_invocations_leave_nothing_behind() {
    let caller = Caller::new();
    for caller in [None, Some(&caller)] {
        let keys = caller.map(Caller::settings);
        let settings = [&[("FLUSH_LAYER", "1"), ("MARKS", "1")], keys.as_slice().as_flattened()];
        let mut app = App::start(&settings.concat()).await;
        rounds(&mut app, caller, 300).await;
        let Some(before) = app.process.resident_bytes() else {
            eprintln!("skipped: this system does not tell how much memory a process has");
            return;
        };
        rounds(&mut app, caller, 1000).await;
        let after = app.process.resident_bytes().expect("told before");
        let grown = after.saturating_sub(before);
        eprintln!("{grown} bytes more than the {before} before");
        assert!(grown < 2 * 1024 * 1024, "{grown} bytes more than the {before} before");
    }
}

async fn rounds(app: &mut App, caller: Option<&Caller>, count: usize) {
    let value = "x".repeat(4096);
    for round in 0..count {
        let fails = round % 5 == 0;
        let task: Value = match fails {
            true => json!({ "do": "fail", "message": value }),
            false => json!({ "do": "echo", "value": value }),
        };
        let event = match caller {
            Some(caller) => caller.seal(FUNCTION, &task),
            None => task.to_string().into(),
        };
        let invocation = app.invocation(event);
        let answer = app.api.invoke(invocation).await;
        match fails {
            true => assert_eq!(answer.error().0, "Declined"),
            false => assert!(answer.response().len() > value.len()),
        }
        app.api.clear();
        app.process.printed_lines();
    }
}
