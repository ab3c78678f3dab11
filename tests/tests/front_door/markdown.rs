//! Fenced blocks of Markdown, in files of their own and in doc comments.

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Fence {
    /// What stands behind the opening fence.
    info: String,
    pub(crate) lines: Vec<String>,
}

impl Fence {
    /// Whether its words include this one.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.words().any(|one| one == word)
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.info.split([',', ' ']).filter(|word| !word.is_empty())
    }

    /// Whether a line of it can hardly be anything but Rust.
    pub(crate) fn looks_like_rust(&self) -> bool {
        self.lines.iter().any(|line| {
            let line = line.trim();
            let begins = ["let ", "use ", "fn ", "pub ", "async fn ", "impl ", "struct ", "#["];
            let statement = line.ends_with(';') || line.ends_with('{') || line.ends_with(']');
            begins.iter().any(|begin| line.starts_with(begin)) && statement
                || line.contains("::builder()")
        })
    }
}

/// Whether rustdoc takes it for a snippet to compile.
pub(crate) fn is_rust(fence: &Fence) -> bool {
    let of_rustdoc = |word: &str| {
        ["rust", "no_run", "ignore", "should_panic", "compile_fail", "standalone_crate"]
            .contains(&word)
            || word.starts_with("edition")
            || word.starts_with('E') && word[1..].chars().all(|digit| digit.is_ascii_digit())
    };
    fence.words().all(of_rustdoc)
}

/// The fenced blocks of a Markdown file, or of the doc comments of a Rust file.
pub(crate) fn fences(path: &str, text: &str) -> Vec<Fence> {
    let is_markdown = path.ends_with(".md");
    let mut fences = Vec::new();
    let mut open: Option<Fence> = None;
    for line in text.lines() {
        let line = match is_markdown {
            true => line,
            false => match doc(line) {
                Some(line) => line,
                None => {
                    open = None;
                    continue;
                }
            },
        };
        match (line.trim_start().strip_prefix("```"), open.take()) {
            (Some(_), Some(fence)) => fences.push(fence),
            (Some(info), None) => {
                open = Some(Fence { info: info.trim().to_owned(), lines: Vec::new() });
            }
            (None, Some(mut fence)) => {
                fence.lines.push(line.to_owned());
                open = Some(fence);
            }
            (None, None) => {}
        }
    }
    fences
}

/// The text of a doc comment.
fn doc(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))
}
