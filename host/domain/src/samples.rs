//! The kept samples of a key performance indicator, as a snapshot holds them.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Sample, Timestamp};

/// The samples of one indicator: newest first, one for each moment, at most [`KpiSamples::MOST`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct KpiSamples(Vec<Sample>);

impl KpiSamples {
    /// The most samples of one indicator that a snapshot holds.
    pub const MOST: usize = 100;

    /// The samples of an indicator, given in the order in which they were recorded. Of two samples of one moment the one that was
    /// recorded last counts. More samples than [`KpiSamples::MOST`] are left out, the oldest first.
    pub fn of_recorded(recorded: impl IntoIterator<Item = Sample>) -> Self {
        let by_moment: BTreeMap<Timestamp, Sample> = recorded.into_iter().map(|sample| (sample.at, sample)).collect();
        Self(by_moment.into_values().rev().take(Self::MOST).collect())
    }

    /// The samples, newest first.
    pub fn newest_first(&self) -> &[Sample] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for KpiSamples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Vec::<Sample>::deserialize(deserializer)?;
        if written.len() > Self::MOST {
            let message = format!(
                "an indicator has at most {} samples here: leave out the oldest of these {}",
                Self::MOST,
                written.len()
            );
            return Err(D::Error::custom(message));
        }
        let mut by_moment = BTreeMap::new();
        for sample in written {
            if by_moment.insert(sample.at, sample).is_some() {
                return Err(D::Error::custom(format_args!("`{}` is in the list twice: remove one", sample.at)));
            }
        }
        Ok(Self(by_moment.into_values().rev().collect()))
    }
}

impl JsonSchema for KpiSamples {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KpiSamples".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<Vec<Sample>>();
        schema.insert("maxItems".to_owned(), Self::MOST.into());
        schema.insert(
            "description".to_owned(),
            "The samples of one indicator, newest first, one for each moment.".into(),
        );
        schema
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(second: i64, value: f64) -> Sample {
        Sample { at: Timestamp::from_millis(second * 1_000), value }
    }

    #[test]
    fn samples_are_newest_first_one_for_each_moment_and_bounded() {
        let kept = KpiSamples::of_recorded([sample(2, 2.0), sample(3, 3.0), sample(1, 1.0), sample(2, 2.5)]);
        assert_eq!(kept.newest_first(), [sample(3, 3.0), sample(2, 2.5), sample(1, 1.0)]);
        let many = KpiSamples::of_recorded((0..250).map(|second| sample(second, 0.0)));
        assert_eq!(many.newest_first().len(), 100);
        assert_eq!(many.newest_first().first(), Some(&sample(249, 0.0)));
        assert_eq!(many.newest_first().last(), Some(&sample(150, 0.0)));
    }

    #[test]
    fn written_samples_are_sorted_and_a_moment_twice_or_too_many_are_refused() {
        let at = |second: u32| json!({"at": format!("2026-11-24T20:{:02}:{:02}Z", second / 60, second % 60), "value": second});
        let read: KpiSamples = serde_json::from_value(json!([at(1), at(3), at(2)])).unwrap();
        assert_eq!(read.newest_first().iter().map(|sample| sample.value).collect::<Vec<_>>(), [3.0, 2.0, 1.0]);
        assert_eq!(serde_json::from_value::<KpiSamples>(json!(read)).unwrap(), read);
        let twice = serde_json::from_value::<KpiSamples>(json!([at(1), at(1)])).unwrap_err().to_string();
        assert_eq!(twice, "`2026-11-24T20:00:01Z` is in the list twice: remove one");
        let many = serde_json::from_value::<KpiSamples>((0..101).map(at).collect()).unwrap_err().to_string();
        assert_eq!(many, "an indicator has at most 100 samples here: leave out the oldest of these 101");
    }
}
