//! One scenario under all three hosts, with the same middleware values: an order is decrypted, a dependency
//! injected, the code succeeds, fails, panics, is answered for or is dropped, and the answer is sealed;
//! logged, traced, and told to Sentry alike.

mod durable;
mod http;
mod lambda;
mod scenario;

use hookstack_testing::Canary;
use scenario::{Answer, CANARIES, Ending, Stage, Told};
use serde_json::json;

struct Played {
    host: &'static str,
    answer: Option<Answer>,
    told: Told,
}

/// The same stack through all hosts. The container makes the till once: its numbers go on from host to host.
async fn play(ending: Ending) -> [Played; 3] {
    let stage = Stage::new();
    let _listening = stage.listen();
    stage.gate.close(ending == Ending::ReturnsEarly);
    let played = |host, answer| Played { host, answer, told: stage.told() };
    [
        played("durable function", durable::call(&stage, ending).await),
        played("lambda", lambda::call(&stage, ending).await),
        played("http", http::call(&stage, ending).await),
    ]
}
