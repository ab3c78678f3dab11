//! Every line is JSON, whatever is logged, and no longer than it may be.

use std::fmt;

use hookstack_core::Error;
use hookstack_inngest::Function;
use hookstack_logging::{LogLayer, append};
use proptest::prelude::*;
use serde_json::{Value, json};
use tracing::{debug, error, info, info_span};
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, Object, app, lines_of};

fn written(log: impl FnOnce()) -> Vec<Object> {
    written_by(LogLayer::json(), log)
}

fn written_by(layer: LogLayer, log: impl FnOnce()) -> Vec<Object> {
    let lines = Lines::default();
    let layer = layer.writer(lines.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
    lines.json()
}

const NASTY: [&str; 12] = [
    "",
    "\"",
    "\\",
    "\\\"\\u0000\\",
    "\0\u{1}\u{1f}\u{7f}\u{80}\u{9f}",
    "line\nbreak\r\n\ttab\u{8}\u{c}",
    "\u{2028}\u{2029}\u{feff}\u{fffd}",
    "ü 🐤 \u{10ffff}",
    "{\"a\":[1,\"b\"]}",
    "\u{1b}[31mred\u{1b}[0m",
    "',;:}{][",
    "  ",
];

struct Shown<'t>(&'t str);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In pieces, as formatters do.
        self.0.chars().try_for_each(|character| write!(f, "{character}"))
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Debug)]
struct Wrapped(String, Option<Box<Wrapped>>);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|cause| cause as _)
    }
}

fn assert_text_survives(text: &str) {
    let lines = written(|| {
        let error = Wrapped(text.to_owned(), Some(Box::new(Wrapped(format!("{text}!"), None))));
        let span = info_span!("span", of_span = text, shown_of_span = %Shown(text), late = tracing::field::Empty);
        let _entered = span.enter();
        span.record("late", text);
        info!(
            plain = text,
            debug = ?Shown(text),
            display = %Shown(text),
            list = ?[text],
            error = &error as &dyn std::error::Error,
            "{text}"
        );
        info!(message = text);
    });
    let line = &lines[0];
    for key in ["message", "plain", "debug", "display", "error", "of_span", "shown_of_span", "late"]
    {
        assert_eq!(line.text(key), text, "{key}");
    }
    assert_eq!(line.text("list"), format!("{:?}", [text]));
    assert_eq!(line.get("error_chain"), Some(&json!([format!("{text}!")])));
    assert_eq!(lines[1].text("message"), text);
}

#[test]
fn texts_survive() {
    NASTY.into_iter().for_each(assert_text_survives);
    assert_text_survives(&NASTY.concat());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_survives(text in any::<String>()) {
        assert_text_survives(&text);
    }

    #[test]
    fn any_number_survives(number in any::<f64>(), bits in any::<u64>(), large in any::<u128>()) {
        let number = if number.is_finite() { number } else { f64::from_bits(bits) };
        let caught = Lines::default();
        let layer = LogLayer::json().writer(caught.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            info!(number, bits, signed = bits as i64, large, "numbers");
        });
        let line = &caught.json()[0];
        if number.is_finite() {
            // serde_json reads floats fast and not quite exactly.
            let text = caught.text();
            let digits = text.split("\"number\":").nth(1).and_then(|rest| rest.split(',').next());
            prop_assert_eq!(digits.and_then(|digits| digits.parse().ok()), Some(number));
        } else {
            prop_assert_eq!(line.text("number"), number.to_string());
        }
        prop_assert_eq!(line.get("bits").and_then(Value::as_u64), Some(bits));
        prop_assert_eq!(line.get("signed").and_then(Value::as_i64), Some(bits as i64));
        match u64::try_from(large) {
            Ok(small) => prop_assert_eq!(line.get("large").and_then(Value::as_u64), Some(small)),
            Err(_) => prop_assert_eq!(line.text("large"), large.to_string()),
        }
    }

    #[test]
    fn a_line_is_never_longer_than_it_may_be(
        message in 0..60_000_usize, value in 0..60_000_usize, many in 0..400_usize,
        character in prop::sample::select(vec!['x', '"', '\0', 'ü', '🐤']),
    ) {
        const LIMIT: usize = 16 * 1024;
        let text = move |length: usize| character.to_string().repeat(length / character.len_utf8());
        let lines = Lines::default();
        let layer = LogLayer::json().max_line_bytes(LIMIT).service(text(value)).writer(lines.clone());
        let terminal = Lines::default();
        let people = LogLayer::terminal().max_line_bytes(LIMIT).writer(terminal.clone());
        let subscriber = tracing_subscriber::registry().with(layer).with(people);
        let function = Function::builder("f").on_event(EVENT).handler(move || async move {
            for key in 0..many {
                append(format!("{key} {}", text(value / 10)), text(value / 20));
            }
            let error = Wrapped(text(value), Some(Box::new(Wrapped(text(value), None))));
            let _span = info_span!("span", of_span = text(value)).entered();
            info!(first = text(value), second = ?text(value), error = &error as &dyn std::error::Error, third = 3, "{}", text(message));
            Ok::<_, Error>(1)
        });
        crate::support::run(subscriber, app(function));
        prop_assert_eq!(lines.messages().len(), 1);
        for line in lines.text().lines() {
            prop_assert!(line.len() < LIMIT, "{}", line.len());
        }
        for line in terminal.text().lines() {
            prop_assert!(line.len() < LIMIT, "{}", line.len());
        }
        let line = lines.json().into_iter().find(|line| !line.is_own()).expect("a line");
        // What identifies the line is always there.
        for key in ["timestamp", "level", "message", "target", "service", "run_id", "function_id", "event_id"] {
            prop_assert!(line.get(key).is_some(), "{key}");
        }
        let is_whole = line.text("message").len() == text_len(message, character)
            && line.get("first").is_some_and(|first| first.as_str().map(str::len) == Some(text_len(value, character)));
        prop_assert!(is_whole || line.get("truncated") == Some(&json!(true)));
    }
}

fn text_len(length: usize, character: char) -> usize {
    length / character.len_utf8() * character.len_utf8()
}

#[test]
fn numbers_that_json_lacks_are_texts() {
    let line = &written(|| {
        info!(
            nan = f64::NAN,
            infinity = f64::INFINITY,
            negative = f64::NEG_INFINITY,
            zero = -0.0,
            tiny = f64::MIN_POSITIVE,
            huge = f64::MAX,
            u128 = u128::MAX,
            i128 = i128::MIN,
            small_u128 = 7_u128,
            small_i128 = -7_i128,
            u64 = u64::MAX,
            i64 = i64::MIN,
            yes = true,
            none = None::<u8>,
            some = Some(1_u8),
            "numbers"
        );
    })[0];
    for (key, expected) in [
        ("nan", json!("NaN")),
        ("infinity", json!("inf")),
        ("negative", json!("-inf")),
        ("zero", json!(-0.0)),
        ("tiny", json!(f64::MIN_POSITIVE)),
        ("huge", json!(f64::MAX)),
        ("u128", json!(u128::MAX.to_string())),
        ("i128", json!(i128::MIN.to_string())),
        ("small_u128", json!(7)),
        ("small_i128", json!(-7)),
        ("u64", json!(u64::MAX)),
        ("i64", json!(i64::MIN)),
        ("yes", json!(true)),
        ("some", json!(1)),
    ] {
        assert_eq!(line.get(key), Some(&expected), "{key}");
    }
    assert_eq!(line.get("none"), None);
}

#[test]
fn what_has_no_message_has_an_empty_one() {
    let line = &written(|| info!(a = 1))[0];
    assert_eq!(line.text("message"), "");
}

#[test]
fn an_endless_chain_of_errors_ends() {
    #[derive(Debug)]
    struct Endless;
    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }
    impl std::error::Error for Endless {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&Endless)
        }
    }
    let lines = written(|| {
        error!(
            error = &Endless as &dyn std::error::Error,
            other = &Endless as &dyn std::error::Error,
            "it"
        );
    });
    assert_eq!((lines[0].text("error"), lines[0].text("other")), ("again".into(), "again".into()));
    assert_eq!(lines[0].get("error_chain"), None);
}

#[test]
fn code_that_logs_while_it_is_formatted() {
    struct Logs;
    impl fmt::Debug for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            debug!("inner");
            f.write_str("shown")
        }
    }
    let lines = written(|| {
        let span = info_span!("span", of_span = ?Logs, late = tracing::field::Empty);
        span.record("late", tracing::field::debug(Logs));
        let _entered = span.enter();
        info!(value = ?Logs, "outer");
    });
    let outer = lines.iter().find(|line| line.text("message") == "outer").expect("it is written");
    for key in ["value", "of_span", "late"] {
        assert_eq!(outer.text(key), "shown", "{key}");
    }
}

#[test]
fn a_formatter_that_fails_spoils_nothing() {
    struct Fails;
    impl fmt::Debug for Fails {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            Err(fmt::Error)
        }
    }
    let lines = written(|| info!(value = ?Fails, after = 1, "outer"));
    assert_eq!(lines[0].text("value"), "half");
    assert_eq!(lines[0].get("after"), Some(&json!(1)));
}

#[test]
fn for_people_a_line_is_a_line() {
    let lines = Lines::default();
    let layer = LogLayer::terminal().writer(lines.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for text in NASTY {
            let cause = Wrapped(text.to_owned(), None);
            let error = Wrapped("outer".to_owned(), Some(Box::new(cause)));
            info!(text, error = &error as &dyn std::error::Error, "{text}");
        }
    });
    let text = lines.text();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    // Each line, and its cause.
    assert_eq!(text.lines().count(), 2 * NASTY.len());
    assert_eq!(text.matches("\n    caused by: ").count(), NASTY.len());
}

#[test]
fn for_people_in_colour_only_when_asked() {
    for (color, expected) in [
        (hookstack_logging::Color::Always, true),
        (hookstack_logging::Color::Never, false),
        (hookstack_logging::Color::Auto, false),
    ] {
        let lines = Lines::default();
        let layer = LogLayer::terminal().writer(lines.clone()).color(color);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || info!(a = 1, "\u{1b}[2J"));
        assert_eq!(lines.text().contains('\u{1b}'), expected, "{color:?}");
        assert!(!lines.text().contains("\u{1b}[2J"));
    }
}

#[test]
fn a_line_in_a_call_names_it_for_people() {
    let function = Function::builder("fulfil").on_event(EVENT).handler(
        async |step: hookstack_inngest::Step| {
            step.run("charge", async || {
                append("order", "\u{9b}2J");
                info!(total = 12, "charging");
                Ok::<_, Error>(1)
            })
            .await
        },
    );
    let lines = lines_of(app(function), LogLayer::terminal());
    let text = lines.text();
    let line = text.lines().find(|line| line.contains("charging")).expect("a line");
    assert!(
        line.contains(
            " INFO lines::json: charging total=12 order=\"\\u009b2J\"  fulfil > charge run 01"
        ),
        "{line}"
    );
}
