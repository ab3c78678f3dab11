//! Links from page to page work on GitHub and in the documentation that rustdoc makes: they are addresses on GitHub. Links to
//! items stay in rustdoc's notation; on GitHub they are text.

use crate::repository::{files, root};

const GITHUB: &str = "https://github.com/hookstack/hookstack/blob/main/";

/// The Markdown files that are chapters of the documentation.
fn pages() -> Vec<(String, String)> {
    let mut pages = files(&["md"]);
    pages.retain(|(path, _)| {
        path.starts_with("crates/") && (path.contains("/docs/") || path.ends_with("/FORMAT.md"))
    });
    pages
}

/// The name of a page as a module: `threat_model` of `crates/encryption/docs/threat-model.md`.
fn module(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.trim_end_matches(".md").to_lowercase().replace('-', "_")
}

/// Where the links of a text lead.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("](").filter_map(|(at, _)| text[at + 2..].split([')', ' ']).next())
}

#[test]
fn no_link_to_a_page_is_one_to_a_module() {
    let pages = pages();
    let modules: Vec<String> = pages.iter().map(|(path, _)| module(path)).collect();
    assert!(modules.iter().any(|name| name == "threat_model"), "{modules:?}");
    let mut dead = Vec::new();
    for (path, text) in &pages {
        for target in targets(text) {
            let module = target.split('#').next().unwrap_or(target);
            let last = module.rsplit("::").next().unwrap_or(module);
            if modules.iter().any(|name| name == last) {
                dead.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(dead.is_empty(), "dead on GitHub, write {GITHUB}… instead: {dead:#?}");
}

/// The anchor that GitHub and rustdoc make of a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

#[test]
fn every_address_of_a_file_on_github_leads_to_one_and_to_a_heading_in_it() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for (path, text) in files(&["md"]) {
        for target in targets(&text) {
            let Some(file) = target.strip_prefix(GITHUB) else { continue };
            seen += 1;
            let (file, heading) = file.split_once('#').unwrap_or((file, ""));
            let is_there = std::fs::read_to_string(root().join(file)).is_ok_and(|text| {
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                heading.is_empty() || headings.any(|line| anchor(line) == heading)
            });
            if !is_there {
                broken.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(seen > 20 && broken.is_empty(), "{seen} links, of which broken: {broken:#?}");
}
