//! The samples of a key performance indicator, as a snapshot holds them: the newest, and summaries of those since the release
//! was deployed.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Duration, Kpi, Sample, Timestamp};

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

/// The samples of one indicator in one interval of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleInterval {
    /// When the interval begins (RFC 3339).
    pub start: Timestamp,
    /// How long the interval is.
    pub length: Duration,
    /// The number of samples.
    pub count: u32,
    /// The number of samples within the bounds of the indicator. Absent if it has no bounds, or is a counter, of which no value is good
    /// or bad by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<u32>,
    /// The smallest value.
    pub least: f64,
    /// The greatest value.
    pub greatest: f64,
    /// When the first sample was measured (RFC 3339).
    pub first: Timestamp,
    /// When the last sample was measured (RFC 3339).
    pub last: Timestamp,
    /// The longest time from one sample to the next; `0s` for a single sample.
    pub longest_gap: Duration,
}

/// Summaries of the samples of one indicator: oldest first, one for each interval that has samples, at most
/// [`KpiIntervals::MOST`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct KpiIntervals(Vec<SampleInterval>);

/// The milliseconds of a second.
const SECOND: u64 = 1_000;
/// The lengths of intervals that are tried first, in milliseconds. Longer ones are doubled.
const LENGTHS: [u64; 9] = [
    10 * SECOND,
    30 * SECOND,
    60 * SECOND,
    300 * SECOND,
    900 * SECOND,
    3_600 * SECOND,
    14_400 * SECOND,
    86_400 * SECOND,
    604_800 * SECOND,
];

impl KpiIntervals {
    /// The most intervals of one indicator that a snapshot holds.
    pub const MOST: u64 = 100;

    /// Summarizes the samples of an indicator since a moment. All intervals have the same length: the shortest at which
    /// [`KpiIntervals::MOST`] of them reach from that moment to the newest sample. `samples` are in order of time, one for each moment.
    pub fn of(kpi: &Kpi, samples: &[Sample], since: Timestamp) -> Self {
        let after = |at: Timestamp| u64::try_from(at.as_millis().saturating_sub(since.as_millis())).ok();
        let measured: Vec<(u64, &Sample)> =
            samples.iter().filter_map(|sample| Some((after(sample.at)?, sample))).collect();
        let Some((newest, _)) = measured.last() else { return Self::default() };
        let length = length_for(*newest);
        let is_judged = !kpi.counter && (kpi.at_least.is_some() || kpi.at_most.is_some());
        let is_good = |value: f64| {
            kpi.at_least.is_none_or(|least| value >= least) && kpi.at_most.is_none_or(|most| value <= most)
        };
        let mut intervals: Vec<SampleInterval> = Vec::new();
        for (after, sample) in measured {
            let start = since.saturating_add(Duration::from_millis(after / length * length));
            let good = u32::from(is_good(sample.value));
            match intervals.last_mut().filter(|last| last.start == start) {
                Some(interval) => {
                    let gap = sample.at.as_millis().saturating_sub(interval.last.as_millis());
                    let gap = Duration::from_millis(gap.unsigned_abs());
                    interval.count = interval.count.saturating_add(1);
                    interval.good = interval.good.map(|before| before.saturating_add(good));
                    interval.least = interval.least.min(sample.value);
                    interval.greatest = interval.greatest.max(sample.value);
                    interval.last = sample.at;
                    interval.longest_gap = interval.longest_gap.max(gap);
                }
                None => intervals.push(SampleInterval {
                    start,
                    length: Duration::from_millis(length),
                    count: 1,
                    good: is_judged.then_some(good),
                    least: sample.value,
                    greatest: sample.value,
                    first: sample.at,
                    last: sample.at,
                    longest_gap: Duration::default(),
                }),
            }
        }
        Self(intervals)
    }

    /// The intervals, oldest first.
    pub fn oldest_first(&self) -> &[SampleInterval] {
        &self.0
    }
}

/// The length of the intervals that reach this far, both in milliseconds.
fn length_for(reach: u64) -> u64 {
    let fits = |length: &u64| reach / length < KpiIntervals::MOST;
    let [.., longest] = LENGTHS;
    let doubled = std::iter::successors(Some(longest), |length| length.checked_mul(2));
    LENGTHS.into_iter().chain(doubled).find(fits).unwrap_or(u64::MAX)
}

impl<'de> Deserialize<'de> for KpiIntervals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Vec::<SampleInterval>::deserialize(deserializer)?;
        if written.len() as u64 > Self::MOST {
            let message =
                format!("an indicator has at most {} intervals here, and this one {}", Self::MOST, written.len());
            return Err(D::Error::custom(message));
        }
        let mut by_start = BTreeMap::new();
        for interval in written {
            if by_start.insert(interval.start, interval).is_some() {
                let message =
                    format_args!("the interval that begins at `{}` is in the list twice: remove one", interval.start);
                return Err(D::Error::custom(message));
            }
        }
        Ok(Self(by_start.into_values().collect()))
    }
}

impl JsonSchema for KpiIntervals {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KpiIntervals".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<Vec<SampleInterval>>();
        schema.insert("maxItems".to_owned(), Self::MOST.into());
        schema.insert(
            "description".to_owned(),
            "Summaries of the samples of one indicator, oldest first, one for each interval that has samples.".into(),
        );
        schema
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn kpi(more: serde_json::Value) -> Kpi {
        let mut kpi = json!({"id": "errors", "metric": "error share", "unit": "%", "samples": 0});
        kpi.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(kpi).unwrap()
    }

    #[test]
    fn samples_since_a_moment_are_summarized_by_intervals_and_empty_ones_are_left_out() {
        let at_most = kpi(json!({"at_most": 1.0}));
        let samples =
            [sample(-5, 9.0), sample(0, 0.5), sample(4, 2.0), sample(9, 1.0), sample(10, 0.0), sample(35, 3.0)];
        let intervals = KpiIntervals::of(&at_most, &samples, Timestamp::from_millis(0));
        let seconds = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let ten = Duration::from_millis(10_000);
        let seen: Vec<_> = intervals
            .oldest_first()
            .iter()
            .map(|one| (one.start, one.count, one.good, one.least, one.greatest, one.longest_gap.as_millis()))
            .collect();
        assert_eq!(
            seen,
            [
                (seconds(0), 3, Some(2), 0.5, 2.0, 5_000),
                (seconds(10), 1, Some(1), 0.0, 0.0, 0),
                (seconds(30), 1, Some(0), 3.0, 3.0, 0)
            ]
        );
        assert!(intervals.oldest_first().iter().all(|one| one.length == ten));
        let first = intervals.oldest_first()[0];
        assert_eq!((first.first, first.last), (seconds(0), seconds(9)));
        assert_eq!(serde_json::from_value::<KpiIntervals>(json!(intervals)).unwrap(), intervals);
    }

    #[test]
    fn a_counter_and_an_indicator_without_bounds_have_no_good_values() {
        for of in [kpi(json!({})), kpi(json!({"counter": true, "at_most": 1.0}))] {
            let intervals = KpiIntervals::of(&of, &[sample(1, 2.0)], Timestamp::from_millis(0));
            assert_eq!(intervals.oldest_first()[0].good, None);
        }
    }

    /// From a second to two hundred years: the number of intervals stays bounded, and no sample is dropped.
    #[test]
    fn however_long_the_time_is_at_most_a_hundred_intervals_hold_all_samples() {
        let of = kpi(json!({"at_least": 0.0}));
        for span in [1, 999, 1_000, 1_001, 8_639, 8_640_000, 6_307_200_000_i64] {
            let samples: Vec<Sample> = (0..=1_000).map(|place| sample(span * place / 1_000, 1.0)).collect();
            let mut distinct = samples.clone();
            distinct.dedup_by_key(|sample| sample.at);
            let intervals = KpiIntervals::of(&of, &distinct, Timestamp::from_millis(0));
            let count: u32 = intervals.oldest_first().iter().map(|one| one.count).sum();
            assert!(intervals.oldest_first().len() <= 100, "{span}");
            assert_eq!(count as usize, distinct.len(), "{span}");
        }
    }

    #[test]
    fn written_intervals_are_sorted_and_one_twice_or_too_many_are_refused() {
        let at = |second: i64| {
            json!(
                KpiIntervals::of(&kpi(json!({})), &[sample(second, 1.0)], Timestamp::from_millis(second * 1_000)).0[0]
            )
        };
        let read: KpiIntervals = serde_json::from_value(json!([at(20), at(10)])).unwrap();
        assert!(read.oldest_first().is_sorted_by_key(|one| one.start));
        let twice = serde_json::from_value::<KpiIntervals>(json!([at(10), at(10)])).unwrap_err().to_string();
        assert_eq!(twice, "the interval that begins at `1970-01-01T00:00:10Z` is in the list twice: remove one");
        let many = serde_json::from_value::<KpiIntervals>((0..101).map(at).collect()).unwrap_err().to_string();
        assert_eq!(many, "an indicator has at most 100 intervals here, and this one 101");
    }

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
