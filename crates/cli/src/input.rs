//! Documents from a file or from standard input: one, several, or one on each line.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::StreamDeserializer;
use serde_json::de::StrRead;

use crate::envelope::ERROR_PREFIX;
use crate::failure::Failed;

/// Opens the file, or standard input for none or `-`.
pub(crate) fn open(path: Option<&Path>) -> Result<Box<dyn BufRead>, Failed> {
    match path {
        Some(path) if path != Path::new("-") => {
            let file = File::open(path).map_err(|error| {
                Failed::usage(format!("{} cannot be read: {error}", path.display()))
            })?;
            Ok(Box::new(BufReader::new(file)))
        }
        _ => Ok(Box::new(io::stdin().lock())),
    }
}

/// Refuses an input without a document: what should have made it has failed, or it was written to while it
/// was read.
pub(crate) fn must_have_some(documents: usize) -> Result<(), Failed> {
    match documents {
        0 => Err(Failed::usage("the input is empty".to_owned())),
        _ => Ok(()),
    }
}

/// Calls `each` with every document and its number, and gives `write` its result and what stands
/// between documents.
///
/// Where the first line is a whole document, each line is one and they are read one by one, however many
/// follow. Otherwise everything is read, and may be one document on many lines, or several.
pub(crate) fn documents(
    input: &mut dyn BufRead,
    each: &mut dyn FnMut(usize, &str) -> Result<String, Failed>,
    write: &mut dyn FnMut(&str) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let (mut line, mut number, mut documents) = (String::new(), 0, 0);
    loop {
        line.clear();
        let read = input.read_line(&mut line).map_err(unreadable)?;
        number += 1;
        if read == 0 {
            return Ok(());
        }
        let text = line.trim();
        if text.is_empty() {
            write(&line)?;
            continue;
        }
        let end = &line[line.trim_end().len()..];
        let end = if end.is_empty() { "\n" } else { end };
        let is_error = text.starts_with(ERROR_PREFIX);
        let is_document = is_error || serde_json::from_str::<IgnoredAny>(text).is_ok();
        if !is_document && documents == 0 {
            break;
        }
        if !is_document {
            return Err(Failed::usage(format!(
                "line {number} is not a JSON document, as the lines before it are; the output ends before it"
            )));
        }
        documents += 1;
        // A message that was copied without its quotes.
        let quoted = is_error.then(|| format!("\"{text}\""));
        let result = each(documents, quoted.as_deref().unwrap_or(text))?;
        write(&result)?;
        write(end)?;
    }
    input.read_to_string(&mut line).map_err(unreadable)?;
    several(&line, each, write)
}

fn several(
    text: &str,
    each: &mut dyn FnMut(usize, &str) -> Result<String, Failed>,
    write: &mut dyn FnMut(&str) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut values: StreamDeserializer<'_, StrRead<'_>, IgnoredAny> =
        serde_json::Deserializer::from_str(text).into_iter();
    let (mut end, mut documents) = (0, 0);
    while let Some(value) = values.next() {
        value.map_err(|error| {
            Failed::usage(format!(
                "the input is not JSON: line {}, column {}",
                error.line(),
                error.column()
            ))
        })?;
        documents += 1;
        let part = &text[end..values.byte_offset()];
        let document = part.trim_start();
        write(&part[..part.len() - document.len()])?;
        write(&each(documents, document)?)?;
        end = values.byte_offset();
    }
    let rest = &text[end..];
    write(if rest.is_empty() && documents > 0 { "\n" } else { rest })
}

fn unreadable(error: io::Error) -> Failed {
    Failed::usage(match error.kind() {
        io::ErrorKind::InvalidData => "the input is not UTF-8 text".to_owned(),
        _ => format!("the input cannot be read: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each document in angle brackets with its number, and everything that is written.
    fn run(text: &'static str) -> Result<String, String> {
        let mut written = String::new();
        documents(
            &mut text.as_bytes(),
            &mut |number, text| Ok(format!("<{number}:{text}>")),
            &mut |text| {
                written.push_str(text);
                Ok(())
            },
        )
        .map(|()| written)
        .map_err(|failed| failed.to_string())
    }

    #[test]
    fn lines_one_document_and_several_are_told_apart() {
        assert_eq!(run("{}"), Ok("<1:{}>\n".to_owned()));
        assert_eq!(run("\n{\"a\":1}\r\n\n [2]\n"), Ok("\n<1:{\"a\":1}>\r\n\n<2:[2]>\n".to_owned()));
        assert_eq!(run("{\n}\n\n[\n]"), Ok("<1:{\n}>\n\n<2:[\n]>\n".to_owned()));
        assert_eq!(run("hookstack/v1:AA==\n"), Ok("<1:\"hookstack/v1:AA==\">\n".to_owned()));
        assert_eq!(run(""), Ok(String::new()));
    }

    #[test]
    fn what_is_not_json_is_told_by_its_line_without_quoting_it() {
        let message = run("{}\nsecret\n").expect_err("refused");
        assert!(message.contains("line 2") && !message.contains("secret"), "{message}");
        let message = run("{\n secret").expect_err("refused");
        assert!(message.contains("line 2") && !message.contains("secret"), "{message}");
    }
}
