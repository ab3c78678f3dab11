//! The shorthand of the call-trace table.
//!
//! `ti bm am be ae to br ar` are the initials of the hooks' names, `rq fn st sd` the onions, `tm` is
//! `transform_memoized`, `bs as` stand around a sending, `ab` is `on_abandoned`. A word names one hook of
//! both middleware, `A` of the app and `F` of the function, in the order in which the hook runs:
//! `ti` is `A.transform_input F.transform_input`, `to(a)` is
//! `F.transform_output(a) A.transform_output(a)`, `fn<` is `F.around_function< A.around_function<`.
//! `A.ti` is only A's, `[body]` a mark.

use hookstack_core::Hook;

/// Each hook and its shorthand.
pub const SHORT: [(&str, Hook); 16] = [
    ("rq", Hook::AroundRequest),
    ("ti", Hook::TransformInput),
    ("bm", Hook::BeforeMemoization),
    ("fn", Hook::AroundFunction),
    ("tm", Hook::TransformMemoized),
    ("am", Hook::AfterMemoization),
    ("be", Hook::BeforeExecution),
    ("st", Hook::AroundStep),
    ("ae", Hook::AfterExecution),
    ("to", Hook::TransformOutput),
    ("br", Hook::BeforeResponse),
    ("ar", Hook::AfterResponse),
    ("bs", Hook::BeforeSendEvents),
    ("sd", Hook::AroundSend),
    ("as", Hook::AfterSendEvents),
    ("ab", Hook::OnAbandoned),
];

/// The whole sequence that a shorthand stands for.
///
/// # Panics
/// When it has an unknown word.
pub fn expand(shorthand: &str) -> Vec<String> {
    shorthand.split_whitespace().flat_map(expand_word).collect()
}

fn expand_word(word: &str) -> Vec<String> {
    if word.starts_with('[') {
        return vec![word.to_owned()];
    }
    let (only, short) = match word.split_once('.') {
        Some((middleware, short)) => (Some(middleware), short),
        None => (None, word),
    };
    let (code, rest) = short.split_at(2);
    let known = SHORT.iter().find(|(known, _)| *known == code);
    let (_, hook) = known.unwrap_or_else(|| panic!("`{word}` is no shorthand of a hook"));
    let outwards = hook.is_reverse() || rest.ends_with('<');
    let middleware = match (only, outwards) {
        (Some(only), _) => vec![only],
        (None, false) => vec!["A", "F"],
        (None, true) => vec!["F", "A"],
    };
    middleware.into_iter().map(|name| format!("{name}.{hook}{rest}")).collect()
}

/// The other direction, one middleware at a time, for a readable report of what was recorded.
pub fn shorten(sequence: &[String]) -> String {
    let mut words = sequence.to_vec();
    for word in &mut words {
        for (short, hook) in SHORT {
            *word = word.replace(&format!(".{hook}"), &format!(".{short}"));
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_for_both_middleware_in_the_hooks_order() {
        let expanded = expand("rq> ti am [run-a] st(a)< to(a) F.be rq<");
        assert_eq!(
            expanded,
            [
                "A.around_request>",
                "F.around_request>",
                "A.transform_input",
                "F.transform_input",
                "F.after_memoization",
                "A.after_memoization",
                "[run-a]",
                "F.around_step(a)<",
                "A.around_step(a)<",
                "F.transform_output(a)",
                "A.transform_output(a)",
                "F.before_execution",
                "F.around_request<",
                "A.around_request<",
            ]
        );
        assert_eq!(shorten(&expanded[6..10]), "[run-a] F.st(a)< A.st(a)< F.to(a)");
    }

    #[test]
    fn every_async_hook_has_a_shorthand() {
        for hook in Hook::ASYNC {
            assert!(SHORT.iter().any(|(_, known)| *known == hook), "{hook}");
        }
    }
}
