//! The fields of the user's spans, kept for the lines inside of them.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Record};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::escape::Escape;
use super::fields::causes;

/// In a span's extensions: names, and values as JSON. All layers of this crate share it.
#[derive(Default)]
pub(super) struct SpanFields(Vec<(&'static str, Box<str>)>);

impl SpanFields {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, json)| (*name, &**json))
    }

    fn set(&mut self, name: &'static str, json: Box<str>) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(field) => field.1 = json,
            None => self.0.push((name, json)),
        }
    }
}

pub(super) fn keep_new<'a, R: LookupSpan<'a> + 'a>(
    span: &SpanRef<'a, R>,
    attributes: &Attributes<'_>,
) {
    if !attributes.values().is_empty() && span.extensions().get::<SpanFields>().is_none() {
        let mut fields = SpanFields::default();
        attributes.record(&mut Keep(&mut fields));
        span.extensions_mut().replace(fields);
    }
}

pub(super) fn keep<'a, R: LookupSpan<'a> + 'a>(span: &SpanRef<'a, R>, values: &Record<'_>) {
    // Formatted before anything is locked: it may be the user's own code.
    let mut new = SpanFields::default();
    values.record(&mut Keep(&mut new));
    let mut extensions = span.extensions_mut();
    match extensions.get_mut::<SpanFields>() {
        Some(fields) => new.0.into_iter().for_each(|(name, json)| fields.set(name, json)),
        None => drop(extensions.replace(new)),
    }
}

struct Keep<'f>(&'f mut SpanFields);

impl Keep<'_> {
    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        /// A span lives long, so its fields are short.
        const LONGEST: usize = 4096;
        let mut out = vec![b'"'];
        // What was cut ends with the last character that fits.
        let _ = fmt::Write::write_fmt(&mut Escape::json(&mut out, LONGEST), text);
        out.push(b'"');
        self.0.set(field.name(), String::from_utf8(out).unwrap_or_default().into_boxed_str());
    }

    fn number(&mut self, field: &Field, number: &dyn fmt::Display) {
        self.0.set(field.name(), number.to_string().into_boxed_str());
    }
}

impl Visit for Keep<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, &value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.number(field, &value),
            Err(_) => self.text(field, format_args!("{value}")),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.number(field, &value),
            Err(_) => self.text(field, format_args!("{value}")),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match value.is_finite() {
            true => self.number(field, &format_args!("{value:?}")),
            false => self.text(field, format_args!("{value}")),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let text = causes(value).iter().fold(value.to_string(), |text, cause| text + ": " + cause);
        self.text(field, format_args!("{text}"));
    }
}
