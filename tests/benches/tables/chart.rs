//! Curves on logarithmic axes, as a picture in SVG.

use std::fmt::Write as _;

use crate::growth::label;

pub(crate) struct Panel {
    pub(crate) title: &'static str,
    /// What the horizontal axis counts.
    pub(crate) of: &'static str,
    pub(crate) curves: Vec<Curve>,
}

/// Sizes, and the microseconds that they take.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Curve {
    /// With which power of the size it grows, at its large end: the slope of the line through the logarithms of the
    /// last three points, by least squares. Below it, fixed costs make every curve flatter.
    pub(crate) fn exponent(&self) -> f64 {
        let last = &self.points[self.points.len().saturating_sub(3)..];
        let logs: Vec<(f64, f64)> = last.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
        let count = logs.len() as f64;
        let (x, y) = logs.iter().fold((0.0, 0.0), |sum, log| (sum.0 + log.0, sum.1 + log.1));
        let (x, y) = (x / count, y / count);
        let above: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
        let below: f64 = logs.iter().map(|log| (log.0 - x).powi(2)).sum();
        above / below
    }
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 320.0;
/// Around the axes of a panel: left, top, right, bottom.
const MARGIN: [f64; 4] = [58.0, 34.0, 14.0, 44.0];
/// Told apart by colour-blind readers too (Okabe and Ito), and on dark and light ground.
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// Two panels in a row. No empty lines, so that it can stand in Markdown.
pub(crate) fn svg(panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(2) as f64;
    let (width, height) = (2.0 * WIDTH, rows * HEIGHT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (at, panel) in panels.iter().enumerate() {
        let (x, y) = ((at % 2) as f64 * WIDTH, (at / 2) as f64 * HEIGHT);
        let _ = writeln!(out, "<g transform=\"translate({x} {y})\">");
        draw(&mut out, panel);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// A logarithmic axis: which values, from where to where on the paper.
struct Axis {
    values: (f64, f64),
    paper: (f64, f64),
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let part = (value / self.values.0).ln() / (self.values.1 / self.values.0).ln();
        self.paper.0 + part * (self.paper.1 - self.paper.0)
    }
}

fn draw(out: &mut String, panel: &Panel) {
    let [left, top, right, bottom] = MARGIN;
    let all = || panel.curves.iter().flat_map(|curve| &curve.points);
    let ends = |of: fn(&(f64, f64)) -> f64| {
        all().map(of).fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (low, high) = ends(|point| point.1);
    let decades = (10_f64.powf(low.log10().floor()), 10_f64.powf(high.log10().ceil()));
    let x = Axis { values: ends(|point| point.0), paper: (left, WIDTH - right) };
    let y = Axis { values: decades, paper: (HEIGHT - bottom, top) };

    let _ =
        writeln!(out, "<text x=\"{left}\" y=\"18\" font-weight=\"bold\">{}</text>", panel.title);
    let mut decade = decades.0;
    while decade <= decades.1 * 1.001 {
        let (at, end) = (y.at(decade), WIDTH - right);
        let _ = writeln!(
            out,
            "<path d=\"M{left} {at:.1}H{end:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            left - 6.0,
            at + 4.0,
            time(decade)
        );
        decade *= 10.0;
    }
    for (size, _) in &panel.curves[0].points {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x.at(*size),
            HEIGHT - bottom + 17.0,
            label(*size)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        (left + WIDTH - right) / 2.0,
        HEIGHT - 9.0,
        panel.of
    );
    for (at, (curve, colour)) in panel.curves.iter().zip(COLOURS).enumerate() {
        let points: Vec<String> =
            curve.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x.at(*a), y.at(*b))).collect();
        let line = points.join(" ");
        let _ = writeln!(
            out,
            "<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
        for (a, b) in &curve.points {
            let (a, b) = (x.at(*a), y.at(*b));
            let _ =
                writeln!(out, "<circle cx=\"{a:.1}\" cy=\"{b:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let from_top = top + 16.0 + 16.0 * at as f64;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{from_top:.1}\" fill=\"{colour}\">{} (n to the {:.2})</text>",
            left + 10.0,
            curve.name,
            curve.exponent()
        );
    }
}

fn time(microseconds: f64) -> String {
    match microseconds {
        ns if ns < 0.999 => format!("{:.0} ns", ns * 1e3),
        ms if ms > 999.0 => format!("{:.0} ms", ms / 1e3),
        us => format!("{us:.0} µs"),
    }
}
