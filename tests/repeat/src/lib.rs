//! How often a repeating test repeats, and with which seed.
//!
//! Tests that kill, race, or generate their input find more the longer they run. Each has two counts: a short one, which
//! takes at most a minute and is what every run of the tests does, and a full one, for `cargo xtask long`. Two environment
//! variables choose:
//!
//! - [`COUNT`]: `short` (the default), `full`, or a number;
//! - [`SEED`]: the number from which the test draws its random numbers. Without it the seed is another each time.
//!
//! A test prints both at its start, so the output of a failed test says how to run it again.

use std::env;
use std::fmt;

use proptest::test_runner::{Config, RngSeed};

/// The environment variable that says how often: `short`, `full`, or a number above 0.
pub const COUNT: &str = "LOCKGATE_TEST_COUNT";
/// The environment variable that holds the seed, a number.
pub const SEED: &str = "LOCKGATE_TEST_SEED";

/// How often a test repeats, and the seed of its random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The number of rounds, or of generated inputs.
    pub count: u32,
    /// The seed.
    pub seed: u64,
}

/// Says that a test is not run, because this machine lacks what it takes.
///
/// # Panics
/// On a CI server (`CI=true`): there a test that is not run has failed.
pub fn skipped(why: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "not run: {why}");
    println!("not run: {why}");
}

impl Repeat {
    /// Reads both from the environment, and prints them. `short` rounds take at most a minute.
    ///
    /// # Panics
    /// If a variable holds something else.
    #[must_use]
    pub fn new(short: u32, full: u32) -> Self {
        let read = |name| env::var(name).ok();
        match Self::read(short, full, read(COUNT).as_deref(), read(SEED).as_deref()) {
            Ok(repeat) => {
                println!("{repeat}");
                repeat
            }
            #[expect(clippy::panic, reason = "a test that cannot know what to do has failed")]
            Err(error) => panic!("{error}"),
        }
    }

    /// A generator of random numbers that begins with the seed.
    #[must_use]
    pub fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }

    /// The same count and seed for a property test: so many generated inputs. The seed finds a failure again, so nothing is
    /// written beside the sources.
    #[must_use]
    pub fn property(self) -> Config {
        let Self { count: cases, seed } = self;
        Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() }
    }

    fn read(short: u32, full: u32, count: Option<&str>, seed: Option<&str>) -> Result<Self, String> {
        let count = match count {
            None | Some("short") => short,
            Some("full") => full,
            Some(number) => number.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
                format!("{COUNT} takes `short`, `full` or a number above 0, for example 500, and was given `{number}`")
            })?,
        };
        let seed = match seed {
            None => fastrand::u64(..),
            Some(number) => {
                number.parse().map_err(|_| format!("{SEED} takes a number, for example 7, and was given `{number}`"))?
            }
        };
        Ok(Self { count, seed })
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times, seed {}; again with {COUNT}={} {SEED}={}", self.count, self.seed, self.count, self.seed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::Repeat;

    fn count(count: Option<&str>) -> Result<u32, String> {
        Repeat::read(30, 300, count, Some("7")).map(|repeat| repeat.count)
    }

    #[test]
    fn short_is_the_default_and_full_or_a_number_can_be_asked_for() {
        assert_eq!(count(None), Ok(30));
        assert_eq!(count(Some("short")), Ok(30));
        assert_eq!(count(Some("full")), Ok(300));
        assert_eq!(count(Some("5")), Ok(5));
    }

    #[test]
    fn other_counts_and_seeds_are_refused_by_name() {
        for wrong in ["0", "-1", "long", ""] {
            assert!(count(Some(wrong)).unwrap_err().starts_with("LOCKGATE_TEST_COUNT takes"), "{wrong}");
        }
        let error = Repeat::read(1, 2, None, Some("x")).unwrap_err();
        assert_eq!(error, "LOCKGATE_TEST_SEED takes a number, for example 7, and was given `x`");
    }

    #[test]
    fn the_same_seed_draws_the_same_numbers() {
        let [one, other] = [(); 2].map(|()| Repeat { count: 1, seed: 7 }.random().u64(..));
        assert_eq!(one, other);
    }

    #[test]
    fn what_is_printed_says_how_to_run_it_again() {
        let text = Repeat { count: 30, seed: 7 }.to_string();
        assert_eq!(text, "30 times, seed 7; again with LOCKGATE_TEST_COUNT=30 LOCKGATE_TEST_SEED=7");
    }
}
