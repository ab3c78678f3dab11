//! Where lines go, and how they look.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use super::escape;
use super::line::with_scratch;
use super::{Color, json, terminal};
use crate::scope::Scope;

thread_local! {
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a line is being written on this thread.
pub(super) fn is_writing() -> bool {
    WRITING.get()
}

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Terminal { colored: bool },
}

/// What a layer and the lines that it holds back share.
pub(crate) struct Output {
    sink: Box<dyn Sink>,
    form: Form,
    is_stdout: bool,
    /// A JSON string, cut if it is very long.
    pub(super) service: Option<Box<str>>,
    pub(super) max_line: usize,
}

const DEFAULT_LINE: usize = 64 * 1024;
/// What identifies a call must fit, with room for a message.
const SHORTEST_LINE: usize = 16 * 1024;

/// What is said of held lines that there was no room for.
pub(super) const DROPPED_MESSAGE: &str =
    "held lines were dropped: the buffer of this call was full";

impl Output {
    pub(super) fn new<W>(form: Form, writer: W) -> Self
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        Output {
            sink: Box::new(writer),
            form,
            is_stdout: true,
            service: None,
            max_line: DEFAULT_LINE,
        }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    pub(super) fn set_service(&mut self, service: &str) {
        self.service = Some(escape::identifier(service));
    }

    pub(super) fn set_max_line(&mut self, bytes: usize) {
        self.max_line = bytes.max(SHORTEST_LINE);
    }

    pub(super) fn set_writer<W>(&mut self, writer: W)
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        self.sink = Box::new(writer);
        self.is_stdout = false;
        self.set_color(Color::Auto);
    }

    pub(super) fn set_color(&mut self, color: Color) {
        if let Form::Terminal { colored } = &mut self.form {
            *colored = match color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => self.is_stdout && io::stdout().is_terminal() && wants_color(),
            };
        }
    }

    /// Writes one line. What goes wrong with the writer must not go wrong with the program.
    pub(crate) fn write(&self, metadata: Option<&Metadata<'_>>, line: &[u8]) {
        let _writing = Writing::begin();
        // A writer behind a lock panics when the lock is poisoned.
        drop(catch_unwind(AssertUnwindSafe(|| self.sink.write(metadata, line))));
    }

    /// Says that held lines were dropped.
    pub(crate) fn write_dropped(&self, scope: &Scope, lines: u64) {
        with_scratch(|scratch| {
            match self.form {
                Form::Json => json::write_dropped(scratch, self, scope, lines),
                Form::Terminal { colored } => {
                    terminal::write_dropped(scratch, colored, scope, lines);
                }
            }
            self.write(None, &scratch.text);
        });
    }
}

/// <https://no-color.org>: set and not empty.
fn wants_color() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

struct Writing {
    before: bool,
}

impl Writing {
    fn begin() -> Self {
        Writing { before: WRITING.replace(true) }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.set(self.before);
    }
}

/// `MakeWriter` without its type.
trait Sink: Send + Sync {
    /// Without metadata for a line that is of no event.
    fn write(&self, metadata: Option<&Metadata<'_>>, line: &[u8]);
}

impl<W> Sink for W
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    fn write(&self, metadata: Option<&Metadata<'_>>, line: &[u8]) {
        let mut writer = match metadata {
            Some(metadata) => self.make_writer_for(metadata),
            None => self.make_writer(),
        };
        // There is nowhere to report it to.
        let _ = writer.write_all(line);
    }
}
