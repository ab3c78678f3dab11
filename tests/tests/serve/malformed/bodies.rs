//! Bodies that are no call requests.

use std::fmt::Write;

use hookstack_tests::endpoint::KEY;
use hookstack_tests::http_client::HttpRequest;
use hookstack_tests::request::hash;

use super::table::{Send, Table};
use super::{CANARY, NUMBER};

pub(super) const FINE: &str = r#""event":{"name":"t/event","data":{"id":1}}"#;

pub(super) fn truncated(table: &mut Table) {
    const CLASS: &str = "truncated JSON";
    let whole =
        format!(r#"{{"ctx":{{"run_id":"{CANARY}"}},{FINE},"steps":{{"{CANARY}":{{"data":1}}}}}}"#);
    // In a string, in the context, in the event, in the name and the value of a step, before the end.
    for end in [1, 14, 30, 55, 75, 95, 105, whole.len() - 1] {
        table.body(CLASS, "t-echo", &whole.as_bytes()[..end], 400, "call request: ");
    }
    table.body(CLASS, "t-echo", "", 400, "call request: the text ends too early");
    table.body(CLASS, "t-echo", format!("{whole}{CANARY}"), 400, "there is text after the JSON");
}

pub(super) fn not_well_formed(table: &mut Table) {
    const CLASS: &str = "not well-formed JSON";
    // The place of an error is a path, and parts of a path are names out of the request.
    for body in [
        format!(r#"{{"{CANARY}":tru}}"#),
        format!(r#"{{"ctx":{{"run_id":"r","{CANARY}":tru}},{FINE}}}"#),
        format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{"{CANARY}":tru}}}}"#),
        format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"e","{CANARY}":[}}}}}}"#),
        format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"e","data":{{"{CANARY}":'x'}}}}}}"#),
    ] {
        table.body(CLASS, "t-echo", body, 400, "the text is not well-formed");
    }
}

pub(super) fn not_utf8(table: &mut Table) {
    const CLASS: &str = "not UTF-8";
    for (before, after) in [
        (format!(r#"{{"ctx":{{"run_id":"{CANARY}"#), format!(r#""}},{FINE}}}"#)),
        (format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"{CANARY}"#), r#""}}"#.to_owned()),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{"{CANARY}"#),
            r#"":null}}"#.to_owned(),
        ),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"e","data":"{CANARY}"#),
            r#""}}"#.to_owned(),
        ),
    ] {
        let body = [before.as_bytes(), b"\xff\xfe", after.as_bytes()].concat();
        table.body(CLASS, "t-echo", body, 400, "call request: ");
    }
    // Also where nobody reads.
    let mut unread = format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"unread":"{CANARY}"#).into_bytes();
    unread.extend_from_slice(b"\xff\"}");
    table.body(CLASS, "t-echo", unread, 400, "call request: it is not UTF-8");
}

pub(super) fn wrong_types(table: &mut Table) {
    const CLASS: &str = "wrong types";
    let ctx = |fields: &str| format!(r#"{{"ctx":{{{fields}}},{FINE}}}"#);
    let run = |rest: &str| format!(r#"{{"ctx":{{"run_id":"r"}},{rest}}}"#);
    for (body, says) in [
        (format!(r#"["{CANARY}"]"#), "call request: "),
        (format!("\"{CANARY}\""), "call request: invalid type: string"),
        (format!(r#"{{"ctx":"{CANARY}",{FINE}}}"#), "field `ctx`: invalid type: string"),
        (ctx(&format!(r#""run_id":{NUMBER}"#)), "field `ctx.run_id`: invalid type: integer"),
        (
            ctx(&format!(r#""run_id":"r","attempt":"{CANARY}""#)),
            "field `ctx.attempt`: invalid type",
        ),
        (
            ctx(&format!(r#""run_id":"r","attempt":-{NUMBER}"#)),
            "field `ctx.attempt`: invalid value",
        ),
        (
            ctx(&format!(r#""run_id":"r","max_attempts":{NUMBER}.5"#)),
            "field `ctx.max_attempts`: invalid type",
        ),
        (
            ctx(&format!(r#""run_id":"r","disable_immediate_execution":"{CANARY}""#)),
            "field `ctx.disable_immediate_execution`: invalid type",
        ),
        (ctx(&format!(r#""run_id":"r","use_api":{NUMBER}"#)), "field `ctx.use_api`: invalid type"),
        (
            ctx(&format!(r#""run_id":"r","stack":{{"stack":"{CANARY}"}}"#)),
            "field `ctx.stack.stack`: invalid type",
        ),
        (
            ctx(&format!(r#""run_id":"r","stack":{{"stack":[{NUMBER}]}}"#)),
            "field `ctx.stack.stack[0]`: invalid type",
        ),
        (run(&format!(r#""event":"{CANARY}""#)), "field `event`: invalid type"),
        (run(&format!(r#""events":{{"{CANARY}":1}}"#)), "field `events`: invalid type"),
        (run(&format!(r#""events":[{FINE_EVENT},{NUMBER}]"#)), "field `events[1]`: invalid type"),
        (run(&format!(r#""event":{{"name":{NUMBER}}}"#)), "field `event.name`: invalid type"),
        (
            run(&format!(r#""event":{{"name":"e","ts":"{CANARY}"}}"#)),
            "field `event.ts`: invalid type",
        ),
        (run(&format!(r#"{FINE},"steps":["{CANARY}"]"#)), "field `steps`: invalid type"),
        (run(&format!(r#"{FINE},"steps":"{CANARY}""#)), "field `steps`: invalid type"),
    ] {
        table.body(CLASS, "t-echo", body, 400, says);
    }
    // Those of the function's own type.
    for (data, says) in [
        (format!(r#"{{"id":"{CANARY}"}}"#), "invalid type: string, expected u32"),
        (format!("\"{CANARY}\""), "invalid type: string, expected struct Order"),
        (format!(r#"{{"id":{NUMBER}{NUMBER}}}"#), "invalid value: integer"),
    ] {
        let body = run(&format!(r#""event":{{"name":"t/event","data":{data}}}"#));
        table.body(CLASS, "t-order", body, 400, says);
    }
}

pub(super) const FINE_EVENT: &str = r#"{"name":"t/event","data":{}}"#;

pub(super) fn missing_fields(table: &mut Table) {
    const CLASS: &str = "missing fields";
    for (body, says) in [
        (format!(r#"{{"{CANARY}":1}}"#), "missing field `ctx`"),
        (format!(r#"{{"ctx":{{"{CANARY}":1}},{FINE}}}"#), "field `ctx`: missing field `run_id`"),
        (format!(r#"{{"ctx":{{"run_id":"{CANARY}"}}}}"#), "field `event`: missing"),
        (format!(r#"{{"ctx":{{"run_id":"{CANARY}"}},"events":[]}}"#), "field `event`: missing"),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},"event":{{"data":"{CANARY}"}}}}"#),
            "field `event`: missing field `name`",
        ),
        (
            format!(r#"{{"ctx":{{"run_id":"r"}},"events":[{{"id":"{CANARY}"}}]}}"#),
            "field `events[0]`: missing field `name`",
        ),
    ] {
        table.body(CLASS, "t-echo", body, 400, says);
    }
    let body = format!(
        r#"{{"ctx":{{"run_id":"r"}},"event":{{"name":"t/event","data":{{"x":"{CANARY}"}}}}}}"#
    );
    table.body(CLASS, "t-order", body, 400, "missing field `id`");
}

/// 100 000 memoized steps, of none of the function's own.
pub(super) fn many_steps() -> String {
    let mut steps = format!(r#""{:040x}":{{"data":"{CANARY}"}}"#, 0);
    for n in 1..100_000 {
        write!(steps, r#","{n:040x}":null"#).expect("memory");
    }
    steps
}

pub(super) fn huge_step_maps(table: &mut Table) {
    const CLASS: &str = "huge step maps";
    let steps = many_steps();
    let run = |steps: String| format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{steps}}}"#);
    let cut = run(format!("{{{steps}}}"));
    table.body(CLASS, "t-echo", &cut.as_bytes()[..cut.len() - 3], 400, "the text ends too early");
    table.body(
        CLASS,
        "t-echo",
        run(format!(r#"{{{steps},"{CANARY}":tru}}"#)),
        400,
        "not well-formed",
    );
    table.body(CLASS, "t-echo", run(format!("[{{{steps}}}]")), 400, "field `steps`: invalid type");
    let body = format!(r#"{{"steps":{{{steps}}},{FINE},"ctx":{{}}}}"#);
    table.body(CLASS, "t-echo", body, 400, "field `ctx`: missing field `run_id`");
}

pub(super) fn forms_of_memos(table: &mut Table) {
    const CLASS: &str = "unknown forms of memos";
    let mut memo = |stored: &[(&str, String)], says| {
        let steps: Vec<String> =
            stored.iter().map(|(step, value)| format!(r#""{}":{value}"#, hash(step))).collect();
        let body = format!(r#"{{"ctx":{{"run_id":"r"}},{FINE},"steps":{{{}}}}}"#, steps.join(","));
        table.body(CLASS, "t-steps", body, 400, says);
    };
    let paid = ("pay", r#"{"data":1}"#.to_owned());
    let slept = ("nap", "null".to_owned());
    const FORM: &str = "a form that this kind of step never has";
    memo(&[("pay", NUMBER.to_owned())], FORM);
    memo(&[("pay", format!("\"{CANARY}\""))], FORM);
    memo(&[("pay", format!(r#"["{CANARY}"]"#))], FORM);
    memo(&[("pay", format!(r#"{{"data":1,"{CANARY}":2}}"#))], FORM);
    memo(&[("pay", format!(r#"{{"op":"{CANARY}"}}"#))], FORM);
    memo(&[("pay", format!(r#"{{"data":"{CANARY}"}}"#))], "invalid type: string, expected u32");
    memo(&[("pay", r#"{"data":4111411141114111}"#.to_owned())], "invalid value: integer");
    memo(&[paid.clone(), ("nap", format!("\"{CANARY}\""))], FORM);
    memo(&[paid, slept, ("child", format!("\"{CANARY}\""))], FORM);
}

pub(super) fn deep_nesting(table: &mut Table) {
    const CLASS: &str = "deep nesting";
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(200_000), "]".repeat(200_000));
    let canary = format!("\"{CANARY}\"");
    let run = |rest: String| format!(r#"{{"ctx":{{"run_id":"r"}},{rest}}}"#);
    let event = format!(r#""event":{{"name":"t/event","data":{}}}"#, deep(&canary));
    table.body(CLASS, "t-echo", run(event), 400, "");
    table.body(CLASS, "t-echo", deep(&canary), 400, "call request: ");
    let body = run(format!(r#""event":{}"#, deep(&canary)));
    table.body(CLASS, "t-echo", body, 400, "field `event[0]`: ");
    let body = format!(r#"{{"ctx":{{"run_id":{}}},{FINE}}}"#, deep(&canary));
    table.body(CLASS, "t-echo", body, 400, "field `ctx.run_id`: ");
    let stored = format!(r#"{FINE},"steps":{{"{}":{{"data":{}}}}}"#, hash("pay"), deep(&canary));
    table.body(CLASS, "t-steps", run(stored), 400, "the stored result of step \"pay\"");
    let objects = format!("{}{canary}{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    table.body(
        CLASS,
        "t-echo",
        run(format!(r#"{FINE},"steps":[{objects}]"#)),
        400,
        "field `steps`",
    );
    let sync = HttpRequest::put(&table.url).header("x-inngest-sync-kind", "in_band");
    let shallower = format!("{}{canary}{}", "[".repeat(30_000), "]".repeat(30_000));
    let sync = sync.body(format!(r#"{{"url":{shallower}}}"#)).signed(KEY);
    table.add(CLASS, "in-band sync", Send::Http(sync), 400, "sync request: field `url`");
}
