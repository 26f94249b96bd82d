//! The formats in the schema of a plugin's settings that tell the host what a value means.

use std::fmt;

use lockgate_domain::PERSON_FORMAT;
use serde_json::{Map, Number, Value};

/// A `format` of Lockgate in the JSON Schema of a plugin's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingsMark {
    /// The text is the id of a person. The host normalises it.
    Person,
    /// The text is a role in which people have to approve.
    Role,
    /// The text is the id of an analysis, which the deployment model has to declare.
    Analysis,
    /// The number of different people who have to approve, in any role.
    People,
    /// The list holds periods, which are objects with their end in `until`. Before the last one ends, somebody has to add
    /// another.
    Periods,
}

impl SettingsMark {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Person, Self::Role, Self::Analysis, Self::People, Self::Periods];

    /// The text of the format in a schema, for example `lockgate-role`.
    pub fn format(self) -> &'static str {
        match self {
            Self::Person => PERSON_FORMAT,
            Self::Role => "lockgate-role",
            Self::Analysis => "lockgate-analysis",
            Self::People => "lockgate-people",
            Self::Periods => "lockgate-periods",
        }
    }

    /// The format of a schema itself, without its references and branches.
    pub fn of(schema: &Value) -> Option<Self> {
        Self::of_keywords(schema.as_object()?)
    }

    pub(super) fn of_keywords(keywords: &Map<String, Value>) -> Option<Self> {
        let format = keywords.get("format")?.as_str()?;
        Self::ALL.into_iter().find(|mark| mark.format() == format)
    }
}

impl fmt::Display for SettingsMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format())
    }
}

/// A value in settings whose schema has a format of Lockgate, except an id of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedSetting {
    /// The position of the value, as a JSON Pointer (RFC 6901) into the settings.
    pub pointer: String,
    /// The value.
    pub value: MarkedValue,
}

/// A marked value by its format.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkedValue {
    /// A role in which people have to approve.
    Role(String),
    /// The id of an analysis.
    Analysis(String),
    /// The number of different people who have to approve, in any role.
    People(u64),
    /// The ends of the periods in a list.
    Periods(Vec<PeriodEnd>),
}

/// The end of a period in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodEnd {
    /// The index of the period in the list, from 0.
    pub index: usize,
    /// The text of its `until`.
    pub until: String,
}

impl MarkedValue {
    pub(super) fn of_text(mark: SettingsMark, text: &str) -> Option<Self> {
        match mark {
            SettingsMark::Role => Some(Self::Role(text.to_owned())),
            SettingsMark::Analysis => Some(Self::Analysis(text.to_owned())),
            SettingsMark::Person | SettingsMark::People | SettingsMark::Periods => None,
        }
    }

    pub(super) fn of_number(mark: SettingsMark, number: &Number) -> Option<Self> {
        number.as_u64().filter(|_| mark == SettingsMark::People).map(Self::People)
    }

    pub(super) fn of_list(mark: SettingsMark, periods: &[Value]) -> Option<Self> {
        let end = |(index, period): (usize, &Value)| {
            Some(PeriodEnd { index, until: period.get("until")?.as_str()?.to_owned() })
        };
        (mark == SettingsMark::Periods).then(|| Self::Periods(periods.iter().enumerate().filter_map(end).collect()))
    }
}
