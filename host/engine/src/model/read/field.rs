//! Reads values by key: reports missing ones that are required, and those of a wrong type.

use std::ops::Range;

use bytesize::ByteSize;
use lockgate_domain::{Digest, Duration, closest, escaped_token};
use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::{Field, ModelFinding, Reader, Table};

impl Reader<'_> {
    /// Reports every key that is not in `known`.
    pub(super) fn known_keys(&mut self, table: &Table<'_>, known: &[&str]) {
        for key in table.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref();
            self.unknown.push(key.span());
            let finding = ModelFinding::error("unknown-key", key.span(), format!("there is no key `{name}` here"));
            self.findings.push(finding.suggest(name, known.iter().copied()));
        }
    }

    /// The value of a key, if the key is there.
    pub(super) fn optional<'a>(&self, table: &Table<'a>, name: &str) -> Option<Field<'a>> {
        let (key, value) = table.entries.get_key_value(name)?;
        // An unreadable value has no place of its own.
        let span = if value.span().is_empty() { key.span() } else { value.span() };
        Some(Field {
            name: name.to_owned(),
            value: value.get_ref(),
            key: key.span(),
            span,
            pointer: format!("{}/{}", table.pointer, escaped_token(name)),
        })
    }

    /// The value of a required key.
    pub(super) fn required<'a>(&mut self, table: &Table<'a>, name: &str, example: &str) -> Option<Field<'a>> {
        let field = self.optional(table, name);
        // A misspelt key has already been reported at its place.
        let unknown = table.entries.keys().filter(|key| self.unknown.contains(&key.span()));
        let is_misspelt = closest(name, unknown.map(|key| key.get_ref().as_ref())).is_some();
        if field.is_none() && !is_misspelt && !self.syntax.is_in_table(table.span.start) {
            let finding = ModelFinding::error("missing-key", table.span.clone(), format!("`{name}` is missing"));
            self.findings.push(finding.help(format!("add `{example}`")));
        }
        field
    }

    fn wrong_type(&mut self, field: &Field<'_>, wanted: &str) {
        let found = match field.value {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let message = format!("`{}` is {found}, and has to be {wanted}", field.name);
        self.findings
            .push(ModelFinding::error("wrong-type", field.span.clone(), message).label(format!("not {wanted}")));
    }

    /// A text.
    pub(super) fn text(&mut self, field: &Field<'_>) -> Option<String> {
        match field.value {
            DeValue::String(text) => Some(text.clone().into_owned()),
            _ => {
                self.wrong_type(field, "a text");
                None
            }
        }
    }

    /// A text of one line that is not blank.
    pub(super) fn line(&mut self, field: &Field<'_>) -> Option<String> {
        let text = self.text(field)?;
        let problem = if text.trim().is_empty() {
            "is empty"
        } else if text.contains(['\n', '\r', '\0']) {
            "has to be a single line"
        } else {
            return Some(text);
        };
        self.findings.push(ModelFinding::error(
            "empty-text",
            field.span.clone(),
            format!("`{}` {problem}", field.name),
        ));
        None
    }

    /// An id, which other parts of the model, reports and addresses use.
    pub(super) fn id(&mut self, field: &Field<'_>) -> Option<String> {
        let id = self.text(field)?;
        self.check_id(&id, field.span.clone()).then_some(id)
    }

    /// Checks that an id consists of lower-case words joined by hyphens. Reports it if not.
    pub(super) fn check_id(&mut self, id: &str, span: Range<usize>) -> bool {
        const LONGEST: usize = 64;
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if id.len() <= LONGEST && id.split('-').all(is_word) {
            return true;
        }
        let message =
            format!("`{id}` is not an id: write at most {LONGEST} lower-case letters, digits and single hyphens");
        let words = id.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
        let better = words.split_whitespace().collect::<Vec<_>>().join("-");
        let finding = ModelFinding::error("invalid-id", span, message);
        let fits = !better.is_empty() && better.len() <= LONGEST;
        self.findings.push(if fits { finding.help(format!("for example `{better}`")) } else { finding });
        false
    }

    /// A whole number.
    pub(super) fn integer(&mut self, field: &Field<'_>) -> Option<i64> {
        let DeValue::Integer(integer) = field.value else {
            self.wrong_type(field, "a whole number");
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        if number.is_none() {
            self.out_of_range(field, "it does not fit into 64 bits");
        }
        number
    }

    /// A positive whole number.
    pub(super) fn count(&mut self, field: &Field<'_>) -> Option<u64> {
        let number = self.integer(field)?;
        let count = u64::try_from(number).ok().filter(|count| *count > 0);
        if count.is_none() {
            self.out_of_range(field, "it has to be above zero");
        }
        count
    }

    fn out_of_range(&mut self, field: &Field<'_>, why: &str) {
        let message = format!("`{}` is out of range: {why}", field.name);
        self.findings.push(ModelFinding::error("out-of-range", field.span.clone(), message));
    }

    /// True or false.
    pub(super) fn boolean(&mut self, field: &Field<'_>) -> Option<bool> {
        match field.value {
            DeValue::Boolean(boolean) => Some(*boolean),
            _ => {
                self.wrong_type(field, "true or false");
                None
            }
        }
    }

    /// A size in bytes: a whole number, or a text such as `16MiB`.
    pub(super) fn bytes(&mut self, field: &Field<'_>) -> Option<u64> {
        let text = match field.value {
            DeValue::Integer(_) => return self.count(field),
            DeValue::String(text) => text,
            _ => {
                self.wrong_type(field, "a size in bytes");
                return None;
            }
        };
        let Ok(size) = text.parse::<ByteSize>() else {
            let message = format!("`{text}` is not a size in bytes");
            let finding = ModelFinding::error("invalid-size", field.span.clone(), message);
            self.findings.push(finding.help("write a whole number of bytes, or for example `16MiB` or `512KiB`"));
            return None;
        };
        if size.as_u64() == 0 {
            self.out_of_range(field, "it has to be above zero");
            return None;
        }
        Some(size.as_u64())
    }

    /// A duration, such as `250ms`.
    pub(super) fn duration(&mut self, field: &Field<'_>) -> Option<Duration> {
        let text = self.text(field)?;
        match text.parse::<Duration>() {
            Ok(duration) if duration.as_millis() > 0 => Some(duration),
            Ok(_) => {
                self.out_of_range(field, "it has to be at least a millisecond");
                None
            }
            Err(error) => {
                self.findings.push(ModelFinding::error("invalid-duration", field.span.clone(), error.to_string()));
                None
            }
        }
    }

    /// A digest.
    pub(super) fn digest(&mut self, field: &Field<'_>) -> Option<Digest> {
        let text = self.text(field)?;
        match text.parse() {
            Ok(digest) => Some(digest),
            Err(error) => {
                let finding = ModelFinding::error("invalid-digest", field.span.clone(), format!("{error}"));
                self.findings
                    .push(finding.help("`lockgate model pin` writes the digests of the plugins that are there"));
                None
            }
        }
    }

    /// One word of a list.
    pub(super) fn word<T: Copy>(&mut self, field: &Field<'_>, code: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(field)?;
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if known.is_none() {
            let message = format!("there is no {} `{text}`", field.name);
            let finding = ModelFinding::error(code, field.span.clone(), message);
            self.findings.push(finding.suggest(&text, words.iter().map(|(word, _)| *word)));
        }
        known
    }

    /// A table.
    pub(super) fn table<'a>(&mut self, field: &Field<'a>) -> Option<Table<'a>> {
        match field.value {
            DeValue::Table(entries) => {
                Some(Table { entries, span: field.span.clone(), pointer: field.pointer.clone() })
            }
            _ => {
                self.wrong_type(field, "a table");
                None
            }
        }
    }

    /// The items of an array.
    pub(super) fn array<'a>(&mut self, field: &Field<'a>) -> Option<Vec<Field<'a>>> {
        let DeValue::Array(array) = field.value else {
            self.wrong_type(field, "an array");
            return None;
        };
        let item = |(index, value): (usize, &'a toml::Spanned<DeValue<'a>>)| Field {
            name: field.name.clone(),
            value: value.get_ref(),
            key: value.span(),
            span: value.span(),
            pointer: format!("{}/{index}", field.pointer),
        };
        Some(array.iter().enumerate().map(item).collect())
    }

    /// Any value as JSON. Dates and times become texts in TOML's form.
    pub(super) fn json(&mut self, value: &DeValue<'_>, span: Range<usize>) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
            DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(number) => number.into(),
                Err(_) => self.no_json(span, "it does not fit into 64 bits"),
            },
            DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => Value::Number(number),
                None => self.no_json(span, "JSON knows finite numbers only"),
            },
            DeValue::Array(array) => {
                array.iter().map(|item| self.json(item.get_ref(), item.span())).collect::<Vec<_>>().into()
            }
            DeValue::Table(table) => Value::Object(self.json_object(table)),
        }
    }

    fn json_object(&mut self, table: &DeTable<'_>) -> Map<String, Value> {
        table
            .iter()
            .map(|(key, value)| (key.get_ref().clone().into_owned(), self.json(value.get_ref(), value.span())))
            .collect()
    }

    fn no_json(&mut self, span: Range<usize>, why: &str) -> Value {
        self.findings.push(ModelFinding::error("out-of-range", span, format!("the number is out of range: {why}")));
        Value::Null
    }
}
