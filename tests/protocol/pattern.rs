//! Placeholders: `<time>` stands for a value that the example can't know.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;

/// Marks a placeholder that stood outside of quotes: a number or anything else, but no string.
const UNQUOTED: char = '\u{1}';

/// What the placeholders of an example stand for.
#[derive(Default)]
pub(crate) struct Bindings(HashMap<String, Value>);

impl Bindings {
    /// From now on `<name>` is this.
    pub(crate) fn bind(&mut self, name: String, value: Value) {
        self.0.insert(name, value);
    }

    /// A text to be sent: every placeholder is replaced by what it stands for.
    pub(crate) fn fill_in(&self, text: &str) -> Result<String, String> {
        let text = repeat(text);
        let mut filled = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, name, after)) = split_placeholder(rest) {
            let value = self
                .0
                .get(name)
                .ok_or_else(|| format!("nothing is known of <{name}> yet"))?;
            filled.push_str(before);
            match value {
                Value::String(value) => filled.push_str(value),
                value => write!(filled, "{value}").unwrap(),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Compares a line with a pattern, and binds what the pattern names for the first time, if the line is as it says.
    pub(crate) fn compare(&mut self, pattern: &str, line: &Value) -> Result<(), String> {
        let quoted = quote_placeholders(&repeat(pattern));
        let pattern = serde_json::from_str(&quoted).map_err(|error| format!("the pattern: {error}"))?;
        let before = self.0.clone();
        let result = self.agree("", &pattern, line);
        if result.is_err() {
            self.0 = before;
        }
        result
    }

    fn agree(&mut self, at: &str, pattern: &Value, found: &Value) -> Result<(), String> {
        match (pattern, found) {
            (Value::String(text), _) if is_placeholder(text) => self.take(at, text, found),
            (Value::Object(fields), Value::Object(others)) => {
                if let Some(missing) = fields.keys().find(|key| !others.contains_key(*key)) {
                    return Err(format!("{at}.{missing} is missing"));
                }
                if let Some(extra) = others.keys().find(|key| !fields.contains_key(*key)) {
                    return Err(format!("{at}.{extra} is not in the example"));
                }
                fields
                    .iter()
                    .try_for_each(|(key, value)| self.agree(&format!("{at}.{key}"), value, &others[key]))
            }
            (Value::Array(items), Value::Array(others)) if items.len() == others.len() => items
                .iter()
                .zip(others)
                .enumerate()
                .try_for_each(|(index, (item, other))| self.agree(&format!("{at}[{index}]"), item, other)),
            _ if pattern == found => Ok(()),
            _ => Err(format!("{at} is {found} instead of {pattern}")),
        }
    }

    fn take(&mut self, at: &str, text: &str, found: &Value) -> Result<(), String> {
        let is_quoted = !text.starts_with(UNQUOTED);
        if is_quoted != found.is_string() {
            let kind = if is_quoted { "a string" } else { "no string" };
            return Err(format!("{at} is {found}, but the example has {kind} there"));
        }
        let name = text.trim_matches([UNQUOTED, '<', '>']);
        match self.0.get(name) {
            _ if name == "any" => Ok(()),
            Some(bound) if bound == found => Ok(()),
            Some(bound) => Err(format!("{at} is {found}, but <{name}> was {bound}")),
            None => {
                self.bind(name.to_owned(), found.clone());
                Ok(())
            }
        }
    }
}

fn is_placeholder(text: &str) -> bool {
    let text = text.trim_start_matches(UNQUOTED);
    matches!(split_placeholder(text), Some(("", _, "")))
}

/// What stands before the first placeholder, its name, and the rest.
fn split_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))
    };
    text.match_indices('<').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('>')?;
        is_name(name).then(|| (&text[..start], name, after))
    })
}

/// Puts quotes around placeholders that stand outside of strings, so that the pattern is JSON.
pub(crate) fn quote_placeholders(pattern: &str) -> String {
    let mut quoted = String::with_capacity(pattern.len());
    let (mut in_string, mut escaped, mut open) = (false, false, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            '<' if !in_string => {
                open = true;
                write!(quoted, "\"\\u{:04x}", u32::from(UNQUOTED)).unwrap();
            }
            _ => {}
        }
        quoted.push(c);
        if c == '>' && std::mem::take(&mut open) {
            quoted.push('"');
        }
    }
    quoted
}

/// Writes `<5 of ab>` out: `ababababab`.
fn repeat(text: &str) -> String {
    let find = |text: &str| {
        text.match_indices('<').find_map(|(start, _)| {
            let (inside, after) = text[start + 1..].split_once('>')?;
            let (count, what) = inside.split_once(" of ")?;
            let count: usize = count.parse().ok()?;
            Some(text[..start].to_owned() + &what.repeat(count) + after)
        })
    };
    let mut text = text.to_owned();
    while let Some(longer) = find(&text) {
        text = longer;
    }
    text
}
