//! Conditions in the Common Expression Language, evaluated by the crate `cel`.

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Program, Value as CelValue};
use serde_json::Value;

/// A compiled condition.
#[derive(Clone)]
pub(super) struct Expression {
    program: Arc<Program>,
    source: Arc<str>,
}

impl Expression {
    /// # Errors
    /// The compiler's message, on one line.
    pub(super) fn compile(source: &str) -> Result<Self, String> {
        match Program::compile(source) {
            Ok(program) => Ok(Expression { program: Arc::new(program), source: source.into() }),
            Err(errors) => {
                let message = errors.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                Err(format!("`{source}`: {message}"))
            }
        }
    }

    /// Whether the condition holds for these variables. As on the server, a field that does not exist
    /// makes it false rather than an error.
    pub(super) fn holds(&self, variables: &[(&str, &Value)]) -> bool {
        let mut context = Context::default();
        for (name, value) in variables {
            context.add_variable_from_value(*name, convert(value));
        }
        matches!(self.program.execute(&context), Ok(CelValue::Bool(true)))
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

/// Whole numbers become signed integers, so that they compare with the literals of an expression.
fn convert(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(bool) => CelValue::Bool(*bool),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => CelValue::Int(integer),
            (None, Some(float)) => CelValue::Float(float),
            (None, None) => CelValue::Null,
        },
        Value::String(text) => CelValue::String(Arc::new(text.clone())),
        Value::Array(items) => CelValue::List(Arc::new(items.iter().map(convert).collect())),
        Value::Object(entries) => {
            let entries: HashMap<String, CelValue> =
                entries.iter().map(|(key, value)| (key.clone(), convert(value))).collect();
            CelValue::Map(entries.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(source: &str, event: Value, other: Value) -> bool {
        Expression::compile(source).expect(source).holds(&[("event", &event), ("async", &other)])
    }

    #[test]
    fn conditions_compare_two_events() {
        let same = "event.data.k == async.data.k";
        assert!(holds(same, json!({"data":{"k":"a"}}), json!({"data":{"k":"a"}})));
        assert!(!holds(same, json!({"data":{"k":"a"}}), json!({"data":{"k":"b"}})));
        assert!(
            !holds(same, json!({"data":{}}), json!({"data":{}})),
            "a missing field never matches"
        );
    }

    #[test]
    fn numbers_compare_with_literals() {
        assert!(holds("event.data.total > 100", json!({"data":{"total":101}}), Value::Null));
        assert!(holds("event.data.total > 100.5", json!({"data":{"total":101.5}}), Value::Null));
        assert!(holds(
            "async.data.ok == true && event.data.n == 2",
            json!({"data":{"n":2}}),
            json!({"data":{"ok":true}})
        ));
    }

    #[test]
    fn a_broken_condition_does_not_compile() {
        assert!(Expression::compile("event.data.k ==").is_err());
    }
}
