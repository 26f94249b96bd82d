//! What the schema of a plugin's settings says of a value by its `format`, for the host to understand.

use std::fmt;

use lockgate_domain::PERSON_FORMAT;
use serde_json::{Map, Number, Value};

/// A `format` of Lockgate's own in the JSON Schema of a plugin's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingsMark {
    /// A text is the id of a person. The host puts it into its normal form.
    Person,
    /// A text is a role in which people have to approve.
    Role,
    /// A text is the id of an analysis, which the deployment model has to declare.
    Analysis,
    /// A number is how many different people have to approve, in whatever role.
    People,
    /// A list holds periods of time, each an object with its end in `until`. When the last of them is over, somebody has
    /// to write the next.
    Periods,
}

impl SettingsMark {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Person, Self::Role, Self::Analysis, Self::People, Self::Periods];

    /// What schemas write.
    pub fn format(self) -> &'static str {
        match self {
            Self::Person => PERSON_FORMAT,
            Self::Role => "lockgate-role",
            Self::Analysis => "lockgate-analysis",
            Self::People => "lockgate-people",
            Self::Periods => "lockgate-periods",
        }
    }

    /// The mark of a schema, whatever its references and branches mark.
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

/// A value in settings that their schema marks, and that the host understands beside what it normalises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedSetting {
    /// Where it stands, as a JSON Pointer into the settings.
    pub pointer: String,
    /// What it is.
    pub value: MarkedValue,
}

/// What a marked value is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkedValue {
    /// A role in which people have to approve.
    Role(String),
    /// The id of an analysis.
    Analysis(String),
    /// How many different people have to approve, in whatever role.
    People(u64),
    /// The ends of a list of periods.
    Periods(Vec<PeriodEnd>),
}

/// The end of a period in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodEnd {
    /// The place of the period in the list, from 0.
    pub index: usize,
    /// Its `until`, as it is written.
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
