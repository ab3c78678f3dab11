//! Events that do not fit. Nothing of them is quoted, neither to the caller nor in the log.

use bytes::Bytes;
use hookstack_testing::Canary;
use hookstack_tests::runtime_api::Answer;

use crate::support::App;

/// The event; `CANARY` in it is replaced by the canary.
const EVENTS: [(&str, &[u8]); 23] = [
    ("nothing", b""),
    ("white space", b" \n"),
    ("text", b"CANARY"),
    ("a text", b"\"CANARY\""),
    ("a text that does not end", b"\"CANARY"),
    ("a number", b"42"),
    ("null", b"null"),
    ("true", b"true"),
    ("an array", b"[\"CANARY\"]"),
    ("an object that does not end", b"{\"do\":\"echo\",\"value\":\"CANARY\""),
    ("a trailing comma", b"{\"do\":\"echo\",\"value\":\"CANARY\",}"),
    ("single quotes", b"{'do':'CANARY'}"),
    ("no task", b"{\"CANARY\":1}"),
    ("an unknown task", b"{\"do\":\"CANARY\"}"),
    ("a task of another type", b"{\"do\":{\"CANARY\":1}}"),
    ("a missing field", b"{\"do\":\"fail\",\"CANARY\":1}"),
    ("a field of another type", b"{\"do\":\"large\",\"bytes\":\"CANARY\"}"),
    ("a number out of range", b"{\"do\":\"large\",\"bytes\":-1,\"x\":\"CANARY\"}"),
    ("a number beyond floating point", b"{\"do\":\"echo\",\"x\":\"CANARY\",\"value\":1e400}"),
    ("a lone surrogate", b"{\"do\":\"echo\",\"x\":\"CANARY\",\"value\":\"\\ud800\"}"),
    ("a control character", b"{\"do\":\"echo\",\"value\":\"CANARY\n\"}"),
    ("text that is not UTF-8", b"{\"do\":\"echo\",\"value\":\"CANARY\xff\xfe\"}"),
    ("a field twice", b"{\"do\":\"fail\",\"message\":\"CANARY\",\"message\":\"CANARY\"}"),
];

#[tokio::test]
async fn nothing_is_quoted_and_the_process_lives() {
    let canary = Canary::new("canary-4111-1111");
    let mut app = App::start(&[("FLUSH_LAYER", "1")]).await;
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let deep = ("nested deeply", &*deep.leak());
    for (what, event) in EVENTS.into_iter().chain([deep]) {
        let event = replaced(event, canary.text());
        let invocation = app.invocation(event);
        match app.api.invoke(invocation).await {
            Answer::Response(response) => panic!("{what}: {response:?}"),
            Answer::Error(name, message, body) => {
                canary.assert_absent(what, &body);
                assert!(!name.is_empty() && !message.is_empty(), "{what}: {name}: {message}");
            }
        }
    }
    // What `lambda_runtime` takes of it is the first value.
    let two = app.run(format!(r#"{{"do":"echo","value":1}} "{}""#, canary.text())).await;
    assert_eq!(two.response(), "1");
    let log = app.process.printed_lines().join("\n");
    assert!(log.contains("InvalidInput"), "the log tells of it: {log}");
    canary.assert_absent("the log", &log);
}

fn replaced(event: &[u8], canary: &str) -> Bytes {
    let mut replaced = Vec::new();
    let mut rest = event;
    while let Some(at) = rest.windows(6).position(|window| window == b"CANARY") {
        replaced.extend(&rest[..at]);
        replaced.extend(canary.as_bytes());
        rest = &rest[at + 6..];
    }
    replaced.extend(rest);
    replaced.into()
}
