//! Expressions, as far as they are checked without a compiler: the server compiles them when the app is
//! registered. The lexical rules are those of the
//! [CEL specification](https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax).

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Text,
    Number,
    Name(&'a str),
    Mark(char),
}

impl Token<'_> {
    /// Whether a value ends here, so that `-` after it subtracts and `[` after it is an index.
    fn ends_value(self) -> bool {
        match self {
            Token::Text | Token::Number => true,
            Token::Name(name) => name != "in",
            Token::Mark(mark) => matches!(mark, ')' | ']' | '}'),
        }
    }
}

/// Whether an expression says something, and closes what it opens.
pub(super) fn check(field: &str, source: &str) -> Result<(), String> {
    balanced(&tokens(field, source)?, field)
}

/// As [`check`], of an expression that may be left out.
pub(super) fn check_optional(field: &str, source: &Option<String>) -> Result<(), String> {
    source.as_deref().map_or(Ok(()), |source| check(field, source))
}

/// As [`check`], for a condition that the server keeps for every run: it takes comparisons of fields,
/// but no functions, macros or arithmetic.
pub(super) fn check_comparison(field: &str, source: &str) -> Result<(), String> {
    let tokens = tokens(field, source)?;
    balanced(&tokens, field)?;
    let refuse = |what: String| {
        Err(format!("`{field}` uses {what}; it may only compare fields, with `&&`, `||` and `!`"))
    };
    // Whether each open bracket belongs to a list or map, into which the server does not look.
    let mut literals = Vec::new();
    let mut before = None;
    for (index, token) in tokens.iter().enumerate() {
        if let Token::Mark(mark) = token {
            let after_value = before.is_some_and(Token::ends_value);
            match (mark, before) {
                ('(', Some(Token::Name(name)))
                    if !matches!(name, "in" | "int" | "uint" | "double")
                        && !literals.contains(&true) =>
                {
                    return refuse(format!("the function `{name}`"));
                }
                ('-', _) if !after_value && tokens.get(index + 1) == Some(&Token::Number) => {}
                ('+' | '-' | '*' | '/' | '%', _) if !literals.contains(&true) => {
                    return refuse(format!("the operator `{mark}`"));
                }
                _ => {}
            }
            match mark {
                '(' => literals.push(false),
                '[' => literals.push(!after_value),
                '{' => literals.push(true),
                ')' | ']' | '}' => drop(literals.pop()),
                _ => {}
            }
        }
        before = Some(*token);
    }
    Ok(())
}

fn balanced(tokens: &[Token<'_>], field: &str) -> Result<(), String> {
    let mut open = Vec::new();
    for token in tokens {
        match token {
            Token::Mark('(') => open.push(')'),
            Token::Mark('[') => open.push(']'),
            Token::Mark('{') => open.push('}'),
            Token::Mark(close @ (')' | ']' | '}')) if open.pop() != Some(*close) => {
                return Err(format!("`{field}` has a `{close}` that closes nothing"));
            }
            _ => {}
        }
    }
    match open.pop() {
        Some(close) => Err(format!("`{field}` lacks a `{close}` at its end")),
        None => Ok(()),
    }
}

fn tokens<'a>(field: &str, source: &'a str) -> Result<Vec<Token<'a>>, String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => {
                let raw = take_prefix(&mut tokens, source, rest);
                tokens.push(Token::Text);
                text(rest, raw).ok_or_else(|| format!("`{field}` lacks a closing `{first}`"))?
            }
            '0'..='9' => {
                tokens.push(Token::Number);
                number(rest)
            }
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Name(&rest[..length]));
                length
            }
            _ => {
                if !first.is_whitespace() {
                    tokens.push(Token::Mark(first));
                }
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    if tokens.is_empty() { Err(format!("`{field}` must not be empty")) } else { Ok(tokens) }
}

fn is_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

/// Takes the `r` or `b` back that stands immediately before a text; whether it makes the text raw.
fn take_prefix(tokens: &mut Vec<Token<'_>>, source: &str, rest: &str) -> bool {
    let before = &source[..source.len() - rest.len()];
    match tokens.last() {
        Some(Token::Name(name))
            if before.ends_with(name)
                && ["r", "b", "rb", "br"].contains(&name.to_lowercase().as_str()) =>
        {
            let raw = name.contains(['r', 'R']);
            tokens.pop();
            raw
        }
        _ => false,
    }
}

/// How long the text at the start of `rest` is, its quotes included.
fn text(rest: &str, raw: bool) -> Option<usize> {
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote))?;
    let mut at = quote.len();
    while !rest[at..].starts_with(quote) {
        let mut chars = rest[at..].chars();
        let char = chars.next()?;
        at += char.len_utf8();
        if char == '\\' && !raw {
            at += chars.next()?.len_utf8();
        }
    }
    Some(at + quote.len())
}

/// How long the number at the start of `rest` is. The sign of an exponent is part of it.
fn number(rest: &str) -> usize {
    let mut before = ' ';
    let hexadecimal = rest.starts_with("0x");
    let end = rest.find(|char: char| {
        let exponent = matches!(before, 'e' | 'E') && !hexadecimal && matches!(char, '+' | '-');
        before = char;
        !(is_word(char) || char == '.' || exponent)
    });
    end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_text_or_comment_opens_nothing() {
        for source in [
            "event.data.x",
            r#"event.data.x == "(""#,
            r#"event.data.x == 'it\'s ['"#,
            r"event.data.x == r'\' || (true)",
            "event.data.x == '''a ' ( b'''",
            "event.data.x // (",
            "[1, 2].exists(x, x == event.data['k'])",
        ] {
            assert_eq!(check("key", source), Ok(()), "{source}");
        }
    }

    #[test]
    fn what_is_opened_is_closed() {
        for (source, problem) in [
            ("", "`key` must not be empty"),
            (" \n", "`key` must not be empty"),
            ("// nothing", "`key` must not be empty"),
            ("size(event.data.x", "`key` lacks a `)` at its end"),
            ("event.data.x)", "`key` has a `)` that closes nothing"),
            ("(event.data.x]", "`key` has a `]` that closes nothing"),
            ("event.data.x == 'a", "`key` lacks a closing `'`"),
            (r"event.data.x == 'a\'", "`key` lacks a closing `'`"),
        ] {
            assert_eq!(check("key", source), Err(problem.to_owned()), "{source}");
        }
    }

    /// Verdicts of the server's tests of the same rule (`pkg/expressions/validation_test.go`).
    #[test]
    fn a_comparison_has_no_functions_and_no_arithmetic() {
        for source in [
            "event.data.foo == 1",
            "event.data.name",
            "null > 0",
            "event.data.a == async.data.a && !(event.data.b in ['x', 'y'])",
            "event.data.n > -1 || event.data.n == 1e-5",
            "int(event.data.n) == int(async.data.n)",
            "event.data.xs[0] == async.data['k-1']",
            "event.data.x in [1 + 2, size('a')]",
        ] {
            assert_eq!(check_comparison("matching", source), Ok(()), "{source}");
        }
        for (source, what) in [
            ("event.name.endsWith(\"foo\")", "the function `endsWith`"),
            ("has(event.data.isPreview)", "the function `has`"),
            ("5 + 4", "the operator `+`"),
            ("event.data.a -1 == 2", "the operator `-`"),
            ("-event.data.a == 2", "the operator `-`"),
            ("event.data.xs[size(async.data.xs)] == 1", "the function `size`"),
        ] {
            let problem = check_comparison("matching", source).unwrap_err();
            assert!(problem.contains(what), "{source}: {problem}");
        }
    }
}
