//! Draws the lifecycle. Colours follow the reader's system; the picture has a background of its own, so that it can be
//! read on any page.

use std::fmt::Write as _;

use crate::source::{Kind, Part, Row};

const WIDTH: usize = 900;
const LINE: usize = 27;
const TEXT_AT: usize = 345;
const STEP: usize = 20;

const STYLE: &str = "\
.page{fill:#ffffff;stroke:#d0d7de}\
.around{fill:#0969da;fill-opacity:.07;stroke:#0969da;stroke-opacity:.55}\
.code{fill:#1a7f37;fill-opacity:.1;stroke:#1a7f37;stroke-opacity:.6}\
text{font:13px -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#57606a}\
.title{font-weight:600;font-size:14px;fill:#1f2328}\
.name{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328}\
.arrow{font-weight:700}.forward{fill:#0969da}.reverse{fill:#bc4c00}\
@media (prefers-color-scheme:dark){\
.page{fill:#0d1117;stroke:#3d444d}\
.around{fill:#4493f8;stroke:#4493f8}.code{fill:#3fb950;stroke:#3fb950}\
text{fill:#9198a1}.title,.name{fill:#f0f6fc}.forward{fill:#4493f8}.reverse{fill:#f0883e}}";

/// The picture of these parts.
pub(crate) fn draw(parts: &[Part]) -> String {
    let mut body = String::new();
    let mut top = 16;
    for part in parts {
        text(&mut body, "title", 20, top + 18, &part.title);
        top = rows(&mut body, &part.rows, 0, top + LINE + 4) + 14;
    }
    legend(&mut body, top + 12);
    let height = top + 34;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t\">\n\
         <title id=\"t\">The hooks of a call, in the order in which they run</title>\n\
         <!-- Drawn from lifecycle.txt, by a test. -->\n\
         <style>{STYLE}</style>\n\
         <rect class=\"page\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n{body}</svg>\n",
        WIDTH - 1,
        height - 1,
    )
}

fn rows(body: &mut String, rows: &[Row], depth: usize, mut top: usize) -> usize {
    let left = 20 + depth * STEP;
    for row in rows {
        let base = top + 18;
        let name = if row.repeated { format!("{} …", row.name) } else { row.name.clone() };
        match row.kind {
            Kind::Forward | Kind::Reverse => {
                let (class, arrow) = match row.kind {
                    Kind::Forward => ("arrow forward", "↓"),
                    _ => ("arrow reverse", "↑"),
                };
                text(body, class, left + 8, base, arrow);
                text(body, "name", left + 26, base, &name);
                text(body, "text", TEXT_AT, base, &row.text);
                top += LINE;
            }
            Kind::Around | Kind::Code => {
                let mut inner = String::new();
                let end = self::rows(&mut inner, &row.inside, depth + 1, top + LINE);
                let end = if row.inside.is_empty() { end } else { end + 6 };
                let class = if row.kind == Kind::Around { "around" } else { "code" };
                let _ = writeln!(
                    body,
                    "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"6\"/>",
                    WIDTH - 2 * left,
                    end - top,
                );
                text(body, "name", left + 10, base, &name);
                text(body, "text", TEXT_AT, base, &row.text);
                body.push_str(&inner);
                top = end + 5;
            }
        }
    }
    top
}

fn legend(body: &mut String, base: usize) {
    text(body, "arrow forward", 28, base, "↓");
    text(body, "text", 46, base, "first registered first");
    text(body, "arrow reverse", 208, base, "↑");
    text(body, "text", 226, base, "first registered last");
    text(body, "text", 388, base, "a box is around what stands in it, first registered outermost");
}

fn text(body: &mut String, class: &str, x: usize, y: usize, text: &str) {
    if text.is_empty() {
        return;
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(body, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>");
}
