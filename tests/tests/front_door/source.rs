//! The source of the picture of the lifecycle.

/// A row, with what stands in it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) repeated: bool,
    pub(crate) text: String,
    pub(crate) inside: Vec<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Around,
    Forward,
    Reverse,
    Code,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

/// The parts of the source.
///
/// # Panics
/// When a line is not as the source's head says.
pub(crate) fn read(source: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let lines: Vec<&str> =
        source.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut rest = lines.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let title = first.strip_prefix("= ").expect("a part begins with its title").to_owned();
        let end = after.iter().position(|line| line.starts_with('=')).unwrap_or(after.len());
        parts.push(Part { title, rows: rows(&after[..end], 0) });
        rest = &after[end..];
    }
    parts
}

fn rows(lines: &[&str], depth: usize) -> Vec<Row> {
    let depth_of = |line: &str| (line.len() - line.trim_start().len()) / 2;
    let mut rows = Vec::new();
    let mut rest = lines;
    while let Some((first, after)) = rest.split_first() {
        assert_eq!(depth_of(first), depth, "`{first}`");
        let end = after.iter().position(|line| depth_of(line) <= depth).unwrap_or(after.len());
        let mut row = row(first.trim());
        row.inside = self::rows(&after[..end], depth + 1);
        rows.push(row);
        rest = &after[end..];
    }
    rows
}

fn row(line: &str) -> Row {
    let (head, text) = line.split_once(" | ").unwrap_or((line, ""));
    let (kind, name) = head.split_once(' ').expect("a kind and a name");
    let kind = match kind {
        "box" => Kind::Around,
        ">" => Kind::Forward,
        "<" => Kind::Reverse,
        "code" => Kind::Code,
        _ => panic!("`{kind}` is no kind of row"),
    };
    let (name, repeated) = match name.strip_suffix(" *") {
        Some(name) => (name, true),
        None => (name, false),
    };
    Row { kind, name: name.to_owned(), repeated, text: text.to_owned(), inside: Vec::new() }
}
