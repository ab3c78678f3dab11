//! Tables as Markdown, and the places in the documentation where they stand.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// A table whose first column is text and whose others are figures.
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new(heads: &[&str]) -> Self {
        let mut text = String::new();
        let _ = writeln!(text, "| {} |", heads.join(" | "));
        let _ = writeln!(text, "| --- |{}", " ---: |".repeat(heads.len() - 1));
        Table { text }
    }

    pub(crate) fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.text.push('|');
        for cell in cells {
            let _ = write!(self.text, " {} |", cell.as_ref());
        }
        self.text.push('\n');
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Three digits that count.
pub(crate) fn number(figure: f64) -> String {
    if !figure.is_finite() {
        return "–".to_owned();
    }
    match figure.abs() {
        small if small < 9.995 => format!("{figure:.2}"),
        middle if middle < 99.95 => format!("{figure:.1}"),
        _ => grouped(figure.round() as i64),
    }
}

fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.char_indices() {
        if at > 0 && digits.len() > 4 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A figure beside its goal: "met", or how many times the goal it is.
pub(crate) fn against(figure: f64, goal: f64) -> String {
    match figure <= goal {
        true => "met".to_owned(),
        false => format!("{:.2} ×", figure / goal),
    }
}

/// One block of the documentation, made by one section.
pub(crate) struct Block {
    /// What the markers are called.
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// The pages with blocks, from this package's folder.
const PAGES: [&str; 2] =
    ["../crates/hookstack/docs/performance.md", "../crates/encryption/docs/performance.md"];

/// Puts the blocks where their markers stand: `<!-- measured: name -->` and `<!-- end -->`.
pub(crate) fn write(blocks: &[Block]) -> io::Result<()> {
    for page in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let old = std::fs::read_to_string(&path)?;
        let new = blocks.iter().fold(old.clone(), |page, block| replace(&page, block));
        if new != old {
            std::fs::write(&path, new)?;
            println!("written: {}", path.display());
        }
    }
    Ok(())
}

fn replace(page: &str, block: &Block) -> String {
    let (start, end) = (format!("<!-- measured: {} -->\n", block.name), "<!-- end -->");
    let Some((before, rest)) = page.split_once(&start) else { return page.to_owned() };
    let Some((_, after)) = rest.split_once(end) else { return page.to_owned() };
    format!("{before}{start}\n{}\n{end}{after}", block.text.trim())
}
