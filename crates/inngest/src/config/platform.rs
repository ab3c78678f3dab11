//! Hosting platforms, recognised by the variables that they set.

/// The platform's name on the wire, and the variable that it sets. The first that is set counts.
const PLATFORMS: [(&str, &str); 6] = [
    ("vercel", "VERCEL"),
    ("netlify", "NETLIFY"),
    ("cloudflare-pages", "CF_PAGES"),
    ("render", "RENDER"),
    ("railway", "RAILWAY_ENVIRONMENT"),
    ("aws-lambda", "AWS_LAMBDA_FUNCTION_NAME"),
];

/// Variables in which platforms name the git branch that is deployed.
const BRANCHES: [&str; 4] =
    ["VERCEL_GIT_COMMIT_REF", "CF_PAGES_BRANCH", "RENDER_GIT_BRANCH", "RAILWAY_GIT_BRANCH"];

/// The platform.
pub(super) fn detect(variable: &dyn Fn(&str) -> Option<String>) -> Option<&'static str> {
    let mut platforms = PLATFORMS.iter();
    platforms.find(|(_, name)| variable(name).is_some()).map(|(platform, _)| *platform)
}

/// The branch that is deployed. One that no header can carry is passed over.
pub(super) fn branch(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    // Netlify's name for it could be anybody's.
    let netlify = variable("NETLIFY").and_then(|_| variable("BRANCH"));
    let branch = BRANCHES.iter().find_map(|name| variable(name)).or(netlify);
    branch.filter(|branch| is_header_text(branch))
}

/// Whether a header can carry the text.
pub(super) fn is_header_text(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
}
