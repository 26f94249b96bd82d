//! Counting tests: reads the closing lines of the runners and adds them up.

use std::fmt;
use std::ops::AddAssign;

/// How many tests came out how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Reads one line that nextest prints. None: it does not close a run.
    pub(crate) fn of_nextest(line: &str) -> Option<Self> {
        let line = without_colour(line);
        Self::of_counts(line.trim().strip_prefix("Summary [")?.split_once("run:")?.1)
    }

    /// Reads one line that `cargo test` prints. None: it does not close a run.
    ///
    /// Not for nextest: there, such a line is the output of a test that failed, which its summary counts already.
    pub(crate) fn of_cargo_test(line: &str) -> Option<Self> {
        let line = without_colour(line);
        Self::of_counts(line.trim().strip_prefix("test result:")?.split_once('.')?.1)
    }

    fn of_counts(counts: &str) -> Option<Self> {
        let mut tally = Self::default();
        // `(2 slow, 1 flaky)` tells how some of the passed ones passed.
        let counts = counts.replace('(', ",(");
        for count in counts.split([',', ';']) {
            let Some((number, what)) = count.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what.trim_end_matches(')').trim() {
                "passed" => tally.passed += number,
                "failed" | "timed out" | "exec failed" => tally.failed += number,
                "skipped" | "ignored" | "filtered out" => tally.skipped += number,
                _ => {}
            }
        }
        Some(tally)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The text without terminal escape sequences of the form `ESC [ … letter`.
fn without_colour(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            text.push(character);
        } else if characters.next() == Some('[') {
            characters.by_ref().find(char::is_ascii_alphabetic);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Option<Tally> {
        Some(Tally { passed, failed, skipped })
    }

    #[test]
    fn the_summary_of_nextest_is_read() {
        let line =
            "     Summary [   1.503s] 45 tests run: 41 passed (2 slow, 1 flaky), 3 failed, 1 timed out, 7 skipped";
        assert_eq!(Tally::of_nextest(line), tally(41, 4, 7));
        assert_eq!(Tally::of_nextest("     Summary [   0.001s] 1 test run: 1 passed, 0 skipped"), tally(1, 0, 0));
    }

    #[test]
    fn the_summary_of_nextest_is_read_in_colour() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.012s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \
                    \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m";
        assert_eq!(Tally::of_nextest(line), tally(2, 0, 0));
    }

    #[test]
    fn the_result_line_of_cargo_test_is_read() {
        let line = "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s";
        assert_eq!(Tally::of_cargo_test(line), tally(3, 2, 5));
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in ["", "running 3 tests", "test it_works ... ok", "  PASS [ 0.005s] xtask tally::tests::one"] {
            assert_eq!((Tally::of_nextest(line), Tally::of_cargo_test(line)), (None, None), "{line}");
        }
    }

    #[test]
    fn what_a_failed_test_printed_is_not_counted_again() {
        let line =
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 39 filtered out; finished in 0.09s";
        assert_eq!(Tally::of_nextest(line), None);
    }

    #[test]
    fn the_closing_line_reads_the_same_whatever_the_counts() {
        let mut sum = Tally { passed: 1, failed: 0, skipped: 0 };
        sum += Tally { passed: 40, failed: 0, skipped: 2 };
        assert_eq!(sum.to_string(), "41 passed, 0 failed, 2 skipped");
    }
}
