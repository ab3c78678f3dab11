//! How an error is written.

use std::fmt;

use super::{Error, ErrorKind, Retry};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// `{:?}` is for people, because a `main` that returns the error prints it: the message as it is, then the
/// causes that it does not tell, and what is unusual. `{:#?}` is the structure.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { self.fmt_structure(f) } else { self.fmt_text(f) }
    }
}

impl Error {
    fn fmt_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.name != "Error" {
            write!(f, "{}: ", self.0.name)?;
        }
        f.write_str(&self.0.message)?;
        let mut told = self.0.message.to_string();
        for cause in self.chain().skip(1).map(ToString::to_string) {
            if !told.contains(&cause) {
                write!(f, "\ncaused by: {cause}")?;
                told = cause;
            }
        }
        let kind = Some(self.0.kind).filter(|kind| *kind != ErrorKind::Failure);
        let retry = Some(self.0.retry).filter(|retry| *retry != Retry::Default);
        let facts: Vec<_> = kind
            .map(|kind| format!("kind: {kind:?}"))
            .into_iter()
            .chain(retry.map(|retry| format!("retry: {retry:?}")))
            .chain(self.0.origin.as_ref().map(|origin| format!("origin: {origin}")))
            .collect();
        if !facts.is_empty() {
            write!(f, "\n({})", facts.join(", "))?;
        }
        self.0.suppressed.iter().try_for_each(|later| write!(f, "\nafterwards: {later:?}"))
    }

    fn fmt_structure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind)
            .field("name", &self.0.name)
            .field("message", &self.0.message);
        if let Some(origin) = &self.0.origin {
            out.field("origin", &format_args!("{origin}"));
        }
        if self.0.retry != Retry::Default {
            out.field("retry", &self.0.retry);
        }
        let causes: Vec<_> = self.chain().skip(1).map(ToString::to_string).collect();
        if !causes.is_empty() {
            out.field("causes", &causes);
        }
        if !self.0.suppressed.is_empty() {
            out.field("suppressed", &self.0.suppressed);
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::convert::tests::Outer;
    use crate::error::{NonRetriable, Origin};

    #[test]
    fn main_prints_the_message_as_it_is_and_what_it_does_not_tell() {
        assert_eq!(format!("{:?}", Error::message("two\nlines")), "two\nlines");
        let mut error =
            Error::new(Outer(Box::new(NonRetriable::new("no")))).with_origin(Origin::Code);
        error.suppress(Error::of_kind(ErrorKind::Misuse, "late"));
        assert_eq!(
            format!("{error:?}"),
            "Outer: outer\ncaused by: no\n(retry: Never, origin: user code)\n\
             afterwards: Misuse: late\n(kind: Misuse)"
        );
        assert!(format!("{error:#?}").starts_with("Error {\n    kind: Failure,"), "{error:#?}");
    }
}
