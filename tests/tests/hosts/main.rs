//! One scenario under all three hosts, with the same middleware values: an order is decrypted, a dependency
//! injected, the code succeeds, fails, panics, is answered for or is dropped, and the answer is sealed;
//! logged, traced, and told to Sentry alike.

mod durable;
mod factory;
mod http;
mod lambda;
mod nested;
mod refused;
mod scenario;
mod vocabulary;

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

/// Equal line by line: there is nothing in which the hosts differ.
#[tokio::test]
async fn the_hooks_are_the_same_under_all_hosts() {
    for ending in Ending::ALL {
        let [durable, others @ ..] = play(ending).await;
        let sequence = durable.told.sequence;
        let has = |hook: &str| sequence.iter().any(|one| one == hook);
        let is_whole = ending != Ending::IsDropped;
        assert!(has("F.transform_input") && has("A.around_request>"), "{ending:?}: {sequence:#?}");
        assert_eq!(has("F.around_function>"), ending != Ending::ReturnsEarly, "{ending:?}");
        assert_eq!(has("A.after_response"), is_whole, "{ending:?}: {sequence:#?}");
        assert_eq!(has("A.on_abandoned"), !is_whole, "{ending:?}: {sequence:#?}");
        for other in others {
            let (host, differs) = (other.host, other.told.sequence);
            assert_eq!(differs.join("\n"), sequence.join("\n"), "{ending:?}: {host}");
        }
    }
}

#[tokio::test]
async fn the_answers_are_the_same_and_sealed() {
    for ending in Ending::ALL {
        for (index, Played { host, answer, .. }) in play(ending).await.iter().enumerate() {
            let Some(answer) = answer else {
                assert_eq!(ending, Ending::IsDropped, "{host}");
                continue;
            };
            assert_eq!(answer.worked, matches!(ending, Ending::Succeeds | Ending::ReturnsEarly));
            let expected = match ending {
                Ending::Succeeds => Some(json!({ "secret": CANARIES[1], "number": index + 1 })),
                Ending::ReturnsEarly => Some(json!({ "secret": CANARIES[4] })),
                _ => None,
            };
            assert_eq!(answer.output, expected, "{host}: {ending:?}");
            for canary in CANARIES {
                Canary::new(canary).assert_absent(host, &answer.body);
            }
            if ending == Ending::Fails {
                let text = String::from_utf8_lossy(&answer.body);
                assert!(
                    text.contains("Declined") && text.contains("hookstack/v1"),
                    "{host}: {text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_signals_are_the_same_and_hold_no_secret() {
    for ending in Ending::ALL {
        let failed = usize::from(matches!(ending, Ending::Fails | Ending::Panics));
        let is_whole = failed == 0 && ending != Ending::IsDropped;
        let played = play(ending).await;
        let counts =
            |told: &Told| (told.spans, told.failed_spans, told.issues, told.levels.clone());
        let of_the_first = counts(&played[0].told);
        for Played { host, told, .. } in played {
            assert_eq!(counts(&told), of_the_first, "{host}: {ending:?}");
            let case = format!("{host}: {ending:?}: {told:#?}");
            assert_eq!(told.issues, failed, "{case}");
            assert_eq!(told.levels.get("ERROR").copied().unwrap_or(0), failed as u32, "{case}");
            assert!(told.spans > 0, "{case}");
            assert_eq!(told.failed_spans > 0, !is_whole, "{case}");
            for canary in CANARIES {
                Canary::new(canary).assert_absent(host, &told.raw);
            }
        }
    }
}
