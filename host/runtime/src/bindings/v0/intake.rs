//! Converts the answers of plugins: counts their text, and stops at anything that violates the contract.

use lockgate_domain as domain;
use lockgate_domain::JsonError;

use super::generated::lockgate::types::types as wit;

/// Why an answer violates the contract: the position and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContractBreach(pub(crate) String);

pub(super) type Conversion<T> = Result<T, ContractBreach>;

/// The position of a value in an answer, for example `ruling.deny[0].code`.
#[derive(Clone, Copy)]
pub(super) enum AnswerPath<'a> {
    Root(&'a str),
    Field(&'a AnswerPath<'a>, &'a str),
    Item(&'a AnswerPath<'a>, usize),
}

impl std::fmt::Display for AnswerPath<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

impl AnswerPath<'_> {
    /// The error that the value at this position violates the contract.
    pub(super) fn broken<T>(&self, why: impl std::fmt::Display) -> Conversion<T> {
        Err(ContractBreach(format!("`{self}` {why}")))
    }
}

/// Converts one answer.
#[derive(Debug, Default)]
pub(crate) struct AnswerIntake {
    size: u64,
    /// The subject of the snapshot. None where the answer is about no snapshot.
    subject: Option<domain::Digest>,
}

impl AnswerIntake {
    /// For an answer about a snapshot with this subject.
    pub(crate) fn about(subject: domain::Digest) -> Self {
        Self { size: 0, subject: Some(subject) }
    }

    /// Converts the subject that approvals are asked to name: the one of the snapshot, because no other approval would count.
    pub(super) fn subject(&mut self, at: &AnswerPath<'_>, named: String) -> Conversion<String> {
        match self.subject.map(|subject| subject.text()) {
            Some(subject) if named != subject => {
                at.broken(format_args!("is `{}`, and the subject of the snapshot is `{subject}`", excerpt(&named)))
            }
            _ => Ok(self.text(named)),
        }
    }

    /// The size of all text so far, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Converts any text.
    pub(super) fn text(&mut self, text: String) -> String {
        self.size = self.size.saturating_add(text.len() as u64);
        text
    }

    /// Converts a text for people, by the rule for such texts in documents.
    pub(super) fn some_text(&mut self, at: &AnswerPath<'_>, text: String) -> Conversion<String> {
        match domain::check_text(&text) {
            Ok(()) => Ok(self.text(text)),
            Err(fault) => at.broken(fault),
        }
    }

    /// Converts a text for people that may be empty.
    pub(super) fn perhaps_text(&mut self, at: &AnswerPath<'_>, text: String) -> Conversion<String> {
        if text.is_empty() { Ok(text) } else { self.some_text(at, text) }
    }

    /// Converts a name, by the rule for names in documents, which is applied again when a stored answer is read.
    pub(super) fn name(&mut self, at: &AnswerPath<'_>, name: String) -> Conversion<String> {
        match domain::check_name(&name) {
            Ok(()) => Ok(self.text(name)),
            Err(fault) => at.broken(fault),
        }
    }

    /// Converts the id of something outside of the plugin, by the rule for ids in documents.
    pub(super) fn id(&mut self, at: &AnswerPath<'_>, id: String) -> Conversion<String> {
        match domain::check_id(&id) {
            Ok(()) => Ok(self.text(id)),
            Err(error) => at.broken(error.fault),
        }
    }

    /// Converts a code: lower-case words joined by hyphens.
    pub(super) fn code(&mut self, at: &AnswerPath<'_>, code: String) -> Conversion<String> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !code.split('-').all(is_word) {
            return at.broken(format_args!("is `{}`: a code is lower-case words joined by hyphens", excerpt(&code)));
        }
        Ok(self.text(code))
    }

    /// Converts a JSON Pointer (RFC 6901).
    pub(super) fn pointer(&mut self, at: &AnswerPath<'_>, pointer: String) -> Conversion<String> {
        let escapes_well = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        if !(pointer.is_empty() || pointer.starts_with('/')) || !escapes_well {
            return at.broken(format_args!("is `{}`, which is not a JSON Pointer (RFC 6901)", excerpt(&pointer)));
        }
        Ok(self.text(pointer))
    }

    /// Converts each item of a list.
    pub(super) fn each<W, D>(
        &mut self,
        at: &AnswerPath<'_>,
        items: Vec<W>,
        mut take: impl FnMut(&mut Self, &AnswerPath<'_>, W) -> Conversion<D>,
    ) -> Conversion<Vec<D>> {
        items.into_iter().enumerate().map(|(index, item)| take(self, &AnswerPath::Item(at, index), item)).collect()
    }

    /// Converts a value that may be missing.
    pub(super) fn optional<W, D>(
        &mut self,
        at: &AnswerPath<'_>,
        value: Option<W>,
        take: impl FnOnce(&mut Self, &AnswerPath<'_>, W) -> Conversion<D>,
    ) -> Conversion<Option<D>> {
        value.map(|value| take(self, at, value)).transpose()
    }

    /// Converts a number, which is finite: JSON has no other.
    pub(super) fn number(&mut self, at: &AnswerPath<'_>, number: f64) -> Conversion<f64> {
        self.size = self.size.saturating_add(size_of::<f64>() as u64);
        if number.is_finite() { Ok(number) } else { at.broken(format_args!("is {number}: numbers are finite")) }
    }

    /// Converts a length of time, which is not negative.
    pub(super) fn length(&mut self, at: &AnswerPath<'_>, millis: i64) -> Conversion<domain::Duration> {
        self.size = self.size.saturating_add(size_of::<i64>() as u64);
        match u64::try_from(millis) {
            Ok(millis) => Ok(domain::Duration::from_millis(millis)),
            Err(_) => at.broken(format_args!("is {millis} ms: a length of time is not negative")),
        }
    }

    /// Converts a digest in the form that the host writes.
    pub(super) fn digest(&mut self, at: &AnswerPath<'_>, digest: String) -> Conversion<domain::Digest> {
        let digest = self.text(digest);
        match digest.parse() {
            Ok(digest) => Ok(digest),
            Err(_) => {
                let digest = excerpt(&digest);
                at.broken(format_args!("is `{digest}`: write `sha256:` and 64 lower-case hex digits"))
            }
        }
    }

    /// Converts a value that is one JSON text.
    pub(super) fn json(&mut self, at: &AnswerPath<'_>, json: String) -> Conversion<serde_json::Value> {
        let text = self.text(json);
        match domain::read_json(text.as_bytes()) {
            Ok(json) => Ok(json),
            Err(error @ JsonError::Faults(_)) => at.broken(format_args!("cannot be stored as it is: {error}")),
            Err(error) => at.broken(format_args!("is not JSON: {error}")),
        }
    }

    /// Converts a document, which names its schema and whose text is JSON.
    pub(super) fn document(&mut self, at: &AnswerPath<'_>, document: wit::Document) -> Conversion<domain::Document> {
        let schema = self.name(&AnswerPath::Field(at, "schema"), document.schema)?;
        let json = self.json(&AnswerPath::Field(at, "json"), document.json)?;
        Ok(domain::Document { schema, json })
    }
}

/// As much of a guest's text as a message can hold.
pub(super) fn excerpt(text: &str) -> String {
    domain::shortened(text, 60)
}
