//! Visits the fields of an event, and writes them.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};

use super::line::Line;

/// Finds the message.
pub(super) struct Message<'l, 's>(pub(super) &'l mut Line<'s>, pub(super) bool);

impl Visit for Message<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" && !self.1 {
            self.0.message(format_args!("{value:?}"));
            self.1 = true;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" && !self.1 {
            self.0.message(format_args!("{value}"));
            self.1 = true;
        }
    }
}

/// Finds the target of a line of the `log` crate.
#[derive(Default)]
pub(super) struct LogTarget(pub(super) Option<String>);

impl Visit for LogTarget {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "log.target" {
            self.0 = Some(value.to_owned());
        }
    }
}

/// Writes all others.
pub(super) struct Fields<'l, 's> {
    pub(super) line: &'l mut Line<'s>,
    /// The bridge from the `log` crate adds fields with the true target and place.
    pub(super) is_from_log: bool,
    /// The causes of the field `error`.
    pub(super) causes: Vec<String>,
}

impl Fields<'_, '_> {
    fn takes(&mut self, field: &Field) -> bool {
        let name = field.name();
        name != "message"
            && !(self.is_from_log && name.starts_with("log."))
            && self.line.is_new(name)
    }

    fn number(&mut self, field: &Field, number: fmt::Arguments<'_>) {
        if self.takes(field) {
            self.line.number_field(field.name(), number);
        }
    }

    fn text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        if self.takes(field) {
            self.line.text_field(field.name(), text);
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, format_args!("{value}"));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            // Readers would make a rounded number of it.
            Err(_) => self.text(field, format_args!("{value}")),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.text(field, format_args!("{value}")),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match value.is_finite() {
            true => self.number(field, format_args!("{value:?}")),
            // JSON has no form for these.
            false => self.text(field, format_args!("{value}")),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        if !self.takes(field) {
            return;
        }
        let causes = causes(value);
        if field.name() == "error" {
            self.line.text_field("error", format_args!("{value}"));
            self.causes = causes;
        } else {
            let text = causes.iter().fold(value.to_string(), |text, cause| text + ": " + cause);
            self.line.text_field(field.name(), format_args!("{text}"));
        }
    }
}

/// The sources of an error, without repeating what a wrapper repeats.
pub(super) fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    /// A chain can be made to be endless.
    const MOST: usize = 32;
    let mut texts = Vec::new();
    let mut shown = None;
    for cause in
        std::iter::successors(error.source(), |error: &&dyn Error| (*error).source()).take(MOST)
    {
        let text = cause.to_string();
        if *shown.get_or_insert_with(|| error.to_string()) != text {
            shown = Some(text.clone());
            texts.push(text);
        }
    }
    texts
}
