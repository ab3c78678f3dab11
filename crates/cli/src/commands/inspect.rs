//! `inspect`: what sealed values tell about themselves, without a key.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;
use hookstack_encryption::{Header, Origin};
use serde_json::{Value, json};

use super::{parse, place};
use crate::args::InputArgs;
use crate::document::Document;
use crate::envelope::{self, Form, Found, Sealed, class_name, suite_name};
use crate::failure::{Failed, PARTIAL};
use crate::{input, say};

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    input: InputArgs,
    /// Print a JSON object for each sealed value, one on a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Inspect) -> Result<u8, Failed> {
    let (mut documents, mut sealed, mut unreadable) = (0, 0, 0);
    let mut stdout = std::io::stdout().lock();
    let mut each = |number: usize, text: &str| {
        documents = number;
        let document = parse(number, text)?;
        for found in envelope::find(&document) {
            sealed += 1;
            unreadable += usize::from(matches!(found.sealed, Sealed::Unreadable | Sealed::Quoted));
            let shown = if args.json {
                as_json(number, &document, &found).to_string()
            } else {
                as_text(number, &document, &found)
            };
            writeln!(stdout, "{shown}")?;
        }
        Ok(String::new())
    };
    input::documents(&mut *input::open(args.input.file.as_deref())?, &mut each, &mut |_| Ok(()))?;
    stdout.flush()?;
    input::must_have_some(documents)?;
    if sealed == 0 {
        say("nothing sealed was found");
    }
    if unreadable > 0 {
        say(&format!(
            "{unreadable} of {sealed} sealed values are not envelopes of a known version, or stand in a text"
        ));
    }
    Ok(if unreadable > 0 { PARTIAL } else { 0 })
}

fn sealed_bytes(document: &Document<'_>, found: &Found) -> usize {
    document.json(found.node).len()
}

fn form(form: Form) -> &'static str {
    match form {
        Form::Object => "envelope",
        Form::Message => "error message",
    }
}

fn as_json(number: usize, document: &Document<'_>, found: &Found) -> Value {
    let mut shown = json!({
        "document": number,
        "path": document.path(found.node),
        "form": form(found.form).replace(' ', "_"),
        "sealedBytes": sealed_bytes(document, found),
    });
    match &found.sealed {
        Sealed::Hookstack(header) => {
            let origin = header.origin();
            shown["strategy"] = json!(format!("hookstack/v{}", header.version()));
            shown["version"] = json!(header.version());
            shown["suite"] = json!(suite_name(header.suite()));
            shown["class"] =
                json!(class_name(header.class()).to_ascii_lowercase().replace(' ', "_"));
            shown["key"] = json!(header.key().to_string());
            shown["origin"] = json!({
                "function": origin.function,
                "runId": origin.run_id,
                "triggerId": origin.trigger_id,
                "eventId": origin.event_id,
                "invoker": {
                    "function": origin.invoker.function,
                    "runId": origin.invoker.run_id,
                    "triggerId": origin.invoker.trigger_id,
                    "step": origin.invoker.step,
                },
            });
            shown["commitment"] = json!(header.commitment().to_string());
            shown["plaintextBytes"] = json!(header.plaintext_len());
        }
        Sealed::Libsodium => shown["strategy"] = json!("inngest/libsodium"),
        Sealed::Unreadable => shown["strategy"] = Value::Null,
        Sealed::Quoted => {
            shown["form"] = json!("text");
            shown["strategy"] = Value::Null;
        }
    }
    shown
}

fn as_text(number: usize, document: &Document<'_>, found: &Found) -> String {
    let mut out = place(number, document, found);
    let bytes = sealed_bytes(document, found);
    // Writing to a string does not fail.
    let _ = match &found.sealed {
        Sealed::Hookstack(header) => describe(&mut out, header, found.form, bytes),
        Sealed::Libsodium => write!(
            out,
            "\n  inngest/libsodium, by the TypeScript or Python package: names neither key nor place\n  {bytes} bytes sealed"
        ),
        Sealed::Quoted => write!(
            out,
            "\n  a text with something sealed in it, which is not looked into: take it out (`jq -r`) and pass it by itself"
        ),
        Sealed::Unreadable => {
            write!(
                out,
                "\n  marked as sealed, but not an envelope of a known version\n  {bytes} bytes"
            )
        }
    };
    out
}

fn describe(out: &mut String, header: &Header, of: Form, bytes: usize) -> std::fmt::Result {
    let (version, suite) = (header.version(), suite_name(header.suite()));
    writeln!(out, "\n  {} hookstack/v{version}, {suite}", form(of))?;
    writeln!(out, "  class       {}", class_name(header.class()))?;
    writeln!(out, "  key         {}", header.key())?;
    for (name, value) in origin_fields(header.origin()) {
        if !value.is_empty() {
            // Escaped: it is anybody's text until the envelope is opened.
            writeln!(out, "  {name:<11} {}", value.escape_debug())?;
        }
    }
    writeln!(out, "  commitment  {}", header.commitment())?;
    write!(out, "  bytes       {} in plaintext, {bytes} sealed", header.plaintext_len())
}

fn origin_fields(origin: &Origin) -> [(&'static str, &str); 8] {
    [
        ("function", &origin.function),
        ("run", &origin.run_id),
        ("trigger", &origin.trigger_id),
        ("event", &origin.event_id),
        ("invoked by", &origin.invoker.function),
        ("  in run", &origin.invoker.run_id),
        ("  trigger", &origin.invoker.trigger_id),
        ("  in step", &origin.invoker.step),
    ]
}
