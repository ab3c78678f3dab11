//! Parts of a text replaced, the rest byte for byte.

use std::ops::Range;

/// Replacements in a text.
#[derive(Default)]
pub(crate) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts `text` in the place of what stands at `span`; an empty span inserts.
    pub(crate) fn replace(&mut self, span: Range<usize>, text: impl Into<String>) {
        self.0.push((span, text.into()));
    }

    /// The text with all replacements. Of two that overlap, the one that covers the other counts.
    pub(crate) fn apply(mut self, text: &str) -> String {
        // The wider first; what is inserted at one place stays in its order, as the sort is stable.
        self.0.sort_by_key(|(span, _)| (span.start, usize::MAX - span.end));
        let added: usize = self.0.iter().map(|(_, text)| text.len()).sum();
        let mut out = String::with_capacity(text.len() + added);
        let mut end = 0;
        for (span, replacement) in self.0 {
            if span.start < end {
                continue;
            }
            out.push_str(&text[end..span.start]);
            out.push_str(&replacement);
            end = span.end;
        }
        out.push_str(&text[end..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_replaced_and_the_wider_of_two_counts() {
        let mut edits = Edits::default();
        edits.replace(6..9, "C");
        edits.replace(3..5, "b");
        edits.replace(3..9, "B");
        edits.replace(9..9, "1");
        edits.replace(9..9, "2");
        assert_eq!(edits.apply("aaabbbcccd"), "aaaB12d");
    }
}
