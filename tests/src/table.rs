//! Tables of cases that report every red row, not the first alone.

use crate::trace::{expand, shorten};

/// Collects the rows that differ.
#[derive(Debug, Default)]
pub struct Table {
    rows: usize,
    red: Vec<String>,
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Table::default()
    }

    /// A row: what was recorded against a [shorthand](crate::trace), and the
    /// [response](crate::response) against what it should be.
    pub fn row(&mut self, case: &str, sequence: (&[String], &str), response: (&str, &str)) {
        self.rows += 1;
        let expected = expand(sequence.1);
        if sequence.0 != expected || response.0 != response.1 {
            self.red.push(format!(
                "RED {case}\n  recorded {}\n  expected {}\n  response {}\n  expected {}",
                shorten(sequence.0),
                shorten(&expected),
                response.0,
                response.1,
            ));
        }
    }

    /// Fails the test if a row is red.
    ///
    /// # Panics
    /// Then.
    pub fn finish(self) {
        let (red, rows) = (self.red.len(), self.rows);
        assert!(self.red.is_empty(), "{red} of {rows} rows\n{}", self.red.join("\n"));
        assert!(rows > 0, "an empty table shows nothing");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "2 of 3 rows")]
    fn a_wrong_sequence_and_a_wrong_response_are_red() {
        let recorded = expand("ti [body]");
        let mut table = Table::new();
        table.row("right", (&recorded, "ti [body]"), ("200 1", "200 1"));
        table.row("wrong order", (&recorded, "[body] ti"), ("200 1", "200 1"));
        table.row("wrong response", (&recorded, "ti [body]"), ("200 1", "200 2"));
        table.finish();
    }
}
