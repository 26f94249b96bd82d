//! Whether the objectives are met: each has an error budget, the share of its samples that may be bad.

use lockgate_plugin::registers::{Kpi, SampleInterval};
use lockgate_plugin::time::{Duration, Timestamp};
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, FactNeeded, Finding, Findings, Measurement, PluginError, Pointer, ReadError,
    Requirement,
};

use crate::settings::{KPIS, Objective, Settings};
use crate::window::Window;

/// What the objectives came to.
#[derive(Debug, Default)]
pub(crate) struct Objectives {
    /// The share of bad samples of each indicator.
    pub(crate) measurements: Vec<Measurement>,
    /// The largest share of an error budget that is used. None if no objective has data.
    used: Option<f64>,
}

impl Objectives {
    /// `; 40 % of the error budget used`, or nothing.
    pub(crate) fn used_in_words(&self) -> String {
        self.used.map(|used| format!("; {:.0} % of the error budget used", used * 100.0)).unwrap_or_default()
    }
}

/// Looks at the samples of each objective.
pub(crate) fn check(
    settings: &Settings,
    window: &Window,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<Objectives, PluginError> {
    let mut all = Objectives::default();
    if settings.objectives.is_empty() {
        return Ok(all);
    }
    let Some(kpis) = KPIS.entries(evaluation.kpis(), findings)? else { return Ok(all) };
    for objective in &settings.objectives {
        let id = objective.kpi.as_str();
        let Some((index, kpi)) = kpis.iter().enumerate().find(|(_, kpi)| kpi.id == id) else {
            findings.unknown("kpi-missing", |code| {
                let message =
                    format!("the register `kpis` has no KPI `{id}`, so nobody can tell whether its objective is met");
                let remedy = KPIS.fill(format!("enter the KPI `{id}` in the register `kpis`"));
                Finding::new(code, message).about(id).at(KPIS.place()).remedy(remedy)
            });
            continue;
        };
        let place = KPIS.place().index(index);
        let Some(budget) = budget_of(objective, kpi, &place, findings) else { continue };
        let intervals = match evaluation.sample_intervals(id) {
            Ok(intervals) => intervals,
            Err(ReadError::Unknown(_)) => Vec::new(),
            Err(unreadable) => return Err(unreadable.into()),
        };
        let samples = WindowSamples::of(&intervals, window);
        let Some(good) = samples.good else {
            not_judged(kpi, &place, findings);
            continue;
        };
        no_gap(kpi, &samples, window, settings.max_gap(), findings);
        let used = budget_used(samples.count, good, budget, window, settings.max_gap());
        all.used = Some(all.used.map_or(used, |most| most.max(used)));
        if samples.count > 0 {
            let bad = f64::from(samples.count.saturating_sub(good)) * 100.0 / f64::from(samples.count);
            all.measurements.push(Measurement::new(id, bad, "%", samples.count).at_most(budget * 100.0));
        }
        if used > 1.0 {
            findings.wrong("error-budget-exceeded", |code| {
                let bad = samples.count.saturating_sub(good);
                let message = format!(
                    "the KPI `{id}` ({}) was bad in {bad} of {} samples since {}: {} % of the samples may be bad, so {:.0} % of the \
                     error budget are used",
                    kpi.metric,
                    samples.count,
                    window.start(),
                    budget * 100.0,
                    used * 100.0
                );
                let need = FactNeeded::at(intervals_of(id)).register(KPIS.name).id(id);
                let remedy = Requirement::new("meet-objective", format!("bring the KPI `{id}` back within its bounds"), need);
                Finding::new(code, message).about(id).at(intervals_of(id)).remedy(remedy.owner(KPIS.keeper))
            });
        }
    }
    Ok(all)
}

/// The place of the intervals of an indicator in the snapshot.
fn intervals_of(kpi: &str) -> Pointer {
    Pointer::root().key("sample_intervals").key(kpi)
}

/// The error budget of an objective. None if nobody says it, which a finding then tells.
fn budget_of(objective: &Objective, kpi: &Kpi, place: &Pointer, findings: &mut Findings) -> Option<f64> {
    let budget = objective.budget.or(kpi.budget);
    if budget.is_none() {
        let id = kpi.id.as_str();
        findings.unknown("kpi-without-budget", |code| {
            let message = format!("neither the settings nor the register tell the error budget of the KPI `{id}`");
            let need =
                CorrectionNeeded::new(place.key("budget"), "the share of bad values that is allowed, from 0 to 1");
            Finding::new(code, message).about(id).correct("correct-kpi", need, KPIS.keeper)
        });
    }
    budget
}

/// The finding that no value of the indicator is good or bad.
fn not_judged(kpi: &Kpi, place: &Pointer, findings: &mut Findings) {
    findings.unknown("kpi-not-judged", |code| {
        let id = kpi.id.as_str();
        let (why, key, expected) = match kpi.counter {
            true => (
                "is a counter, of which no value is good or bad by itself",
                "counter",
                "an indicator that is no counter",
            ),
            false => ("has no bounds, so no value is good or bad", "at_most", "a bound, `at_least` or `at_most`"),
        };
        let message = format!("the KPI `{id}` ({}) {why}", kpi.metric);
        let need = CorrectionNeeded::new(place.key(key), expected);
        Finding::new(code, message).about(id).correct("correct-kpi", need, KPIS.keeper)
    });
}

/// The samples of an indicator in the window. An interval that began before the window, and has samples in it, counts as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WindowSamples {
    count: u32,
    /// The number of good ones. None if no value is good or bad.
    good: Option<u32>,
    /// The longest time without a sample: when it began and ended.
    gap: (Timestamp, Timestamp),
}

impl WindowSamples {
    fn of(intervals: &[SampleInterval], window: &Window) -> Self {
        let (mut count, mut good) = (0_u32, Some(0_u32));
        // Up to here there are samples.
        let mut covered = window.start();
        let mut gap = (covered, covered);
        let mut is_longer = |from: Timestamp, to: Timestamp| {
            if to.since(from) > gap.1.since(gap.0) {
                gap = (from, to);
            }
        };
        for interval in intervals {
            let (first, last) = (Timestamp::from(interval.first), Timestamp::from(interval.last));
            if last < window.start() {
                continue;
            }
            count = count.saturating_add(interval.count);
            good = good.zip(interval.good).map(|(before, more)| before.saturating_add(more));
            is_longer(covered, first);
            // Where in the interval its longest gap lies is not known.
            let longest = Duration::from_millis(interval.longest_gap);
            is_longer(first, first.saturating_add(longest));
            covered = covered.max(last);
        }
        is_longer(covered, window.now);
        Self { count, good, gap }
    }
}

/// Checks that samples came often enough.
fn no_gap(kpi: &Kpi, samples: &WindowSamples, window: &Window, max_gap: Duration, findings: &mut Findings) {
    let (from, to) = samples.gap;
    if to.since(from) <= max_gap {
        return;
    }
    let (id, length) = (kpi.id.as_str(), to.since(from));
    let remedy = || {
        let need = FactNeeded::at(intervals_of(id)).register(KPIS.name).id(id).max_age(max_gap);
        Requirement::new("measure-kpi", format!("measure the KPI `{id}` at least each {max_gap}"), need)
            .owner(KPIS.keeper)
    };
    if samples.count == 0 {
        return findings.unknown("kpi-without-data", |code| {
            let message = format!("the KPI `{id}` ({}) has no sample since {}", kpi.metric, window.start());
            Finding::new(code, message).about(id).at(intervals_of(id)).remedy(remedy())
        });
    }
    // The samples go on from now on, and the window leaves the gap behind.
    findings.again(window.over(to.as_millis()));
    findings.unknown("kpi-gap", |code| {
        let message = format!(
            "the KPI `{id}` ({}) has no sample for {length} from {from} on, which is longer than {max_gap}",
            kpi.metric
        );
        Finding::new(code, message).about(id).at(intervals_of(id)).remedy(remedy())
    });
}

/// The share of the error budget that is used. While the window is not complete, the budget is that of the whole window: as many
/// samples as will have come by then, if they come as often as so far, and at least one each `max_gap`.
fn budget_used(count: u32, good: u32, budget: f64, window: &Window, max_gap: Duration) -> f64 {
    let bad = f64::from(count.saturating_sub(good));
    if bad == 0.0 {
        return 0.0;
    }
    let expected = match window.is_complete() {
        true => f64::from(count),
        false => {
            let stable_for = window.stable_for.as_millis() as f64;
            let as_so_far = f64::from(count) * stable_for / (window.length().as_millis().max(1) as f64);
            as_so_far.max(stable_for / (max_gap.as_millis().max(1) as f64))
        }
    };
    match budget * expected {
        allowed if allowed > 0.0 => bad / allowed,
        // Not infinite, because people read it.
        _ => 1.0 + bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn window(now: i64) -> Window {
        Window { deployed: at(0), stable_for: Duration::from_millis(60 * MINUTE), now: at(now) }
    }

    /// As the host summarizes samples, each with its moment and whether it is good, by intervals of this length.
    fn intervals(samples: &[(i64, bool)], length: i64) -> Vec<SampleInterval> {
        let mut intervals: Vec<SampleInterval> = Vec::new();
        for (moment, is_good) in samples {
            let start = moment / length * length;
            match intervals.last_mut().filter(|last| last.start == start) {
                Some(interval) => {
                    interval.longest_gap = interval.longest_gap.max(moment - interval.last);
                    interval.last = *moment;
                    interval.count += 1;
                    interval.good = interval.good.map(|good| good + u32::from(*is_good));
                }
                None => intervals.push(SampleInterval {
                    start,
                    length,
                    count: 1,
                    good: Some(u32::from(*is_good)),
                    least: 0.0,
                    greatest: 0.0,
                    first: *moment,
                    last: *moment,
                    longest_gap: 0,
                }),
            }
        }
        intervals
    }

    /// Numbers that look like chance, always the same ones.
    fn numbers(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed * 2 + 1), |last| {
            Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        })
        .map(|number| number >> 33)
        .skip(1)
    }

    /// The samples of the whole window alone say how many are good, and how long nothing was measured.
    #[test]
    fn summaries_say_the_same_as_the_samples_themselves() {
        for seed in 0..500 {
            let mut numbers = numbers(seed);
            let mut next = |below: u64| i64::try_from(numbers.next().unwrap_or_default() % below).unwrap_or_default();
            let mut moment = 0;
            let samples: Vec<(i64, bool)> = (0..next(80))
                .map(|_| {
                    moment += 1 + next(4 * 60_000);
                    (moment, next(4) > 0)
                })
                .collect();
            let now = moment + next(5 * 60_000);
            let window = window(now);
            // Intervals of a millisecond do not reach over the beginning of the window.
            let exact: Vec<&(i64, bool)> = samples.iter().filter(|(moment, _)| at(*moment) >= window.start()).collect();
            let moments: Vec<i64> = [window.start().as_millis()]
                .into_iter()
                .chain(exact.iter().map(|(moment, _)| *moment))
                .chain([now])
                .collect();
            let longest = moments.windows(2).map(|pair| pair.iter().rev().copied().reduce(|to, from| to - from)).max();
            let found = WindowSamples::of(&intervals(&samples, 1), &window);
            assert_eq!(found.count as usize, exact.len(), "{seed}");
            assert_eq!(found.good.map(|good| good as usize), Some(exact.iter().filter(|(_, good)| *good).count()));
            assert_eq!(Some(Some(found.gap.1.since(found.gap.0).as_millis())), longest, "{seed}");
            // Longer intervals never hide a bad sample or a gap.
            for length in [1_000, 30_000, 5 * MINUTE] {
                let coarse = WindowSamples::of(&intervals(&samples, length), &window);
                let bad = |found: &WindowSamples| found.count - found.good.unwrap_or_default();
                assert!(coarse.count >= found.count && bad(&coarse) >= bad(&found), "{seed} {length}");
                assert!(coarse.gap.1.since(coarse.gap.0) >= found.gap.1.since(found.gap.0), "{seed} {length}");
            }
        }
    }

    #[test]
    fn the_budget_of_a_window_that_is_not_complete_is_that_of_the_whole() {
        let gap = Duration::from_millis(5 * MINUTE);
        let used = |count, bad, budget, now| budget_used(count, count - bad, budget, &window(now * MINUTE), gap);
        // One sample a minute: 60 in the window, of which 3 may be bad.
        assert_eq!(used(30, 0, 0.05, 30), 0.0);
        assert!((used(30, 1, 0.05, 30) - 1.0 / 3.0).abs() < 1e-9);
        assert!((used(30, 3, 0.05, 30) - 1.0).abs() < 1e-9);
        assert!(used(30, 4, 0.05, 30) > 1.0);
        assert!((used(60, 3, 0.05, 60) - 1.0).abs() < 1e-9);
        // At least 12 samples come, one each five minutes.
        assert!((used(1, 1, 0.5, 59) - 1.0 / 6.0).abs() < 1e-9);
        assert_eq!(used(60, 1, 0.0, 60), 2.0, "no budget");
    }

    /// The more samples are bad, the more of the budget is used; the larger the budget, the less.
    #[test]
    fn more_bad_samples_never_use_less_of_the_budget() {
        let gap = Duration::from_millis(5 * MINUTE);
        for (count, now) in [(1, 1), (10, 12), (60, 60), (90, 80)] {
            for budget in [0.0, 0.01, 0.5, 1.0] {
                let used: Vec<f64> = (0..=count)
                    .map(|bad| budget_used(count, count - bad, budget, &window(now * MINUTE), gap))
                    .collect();
                assert!(used.is_sorted(), "{count} {now} {budget}: {used:?}");
            }
        }
    }
}
