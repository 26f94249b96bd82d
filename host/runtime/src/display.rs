//! Numbers and texts as people read them in messages.

use std::fmt;

/// Displays bytes in the largest fitting unit with at most one decimal, rounded up, so that a size above a limit never looks
/// equal to it.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((unit, name)) =
            [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")].into_iter().find(|(unit, _)| self.0 >= *unit)
        else {
            return write!(f, "{} bytes", self.0);
        };
        let tenths = (u128::from(self.0) * 10).div_ceil(u128::from(unit));
        match tenths % 10 {
            0 => write!(f, "{} {name}", tenths / 10),
            digit => write!(f, "{}.{digit} {name}", tenths / 10),
        }
    }
}

/// Displays a number with commas between groups of three digits.
pub(crate) struct Count(pub(crate) u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_the_largest_unit_and_round_up() {
        let shown = [0, 1023, 1024, 32 << 20, (32 << 20) + 1, 33 << 20, 3 << 29].map(|n| Bytes(n).to_string());
        assert_eq!(shown, ["0 bytes", "1023 bytes", "1 KiB", "32 MiB", "32.1 MiB", "33 MiB", "1.5 GiB"]);
    }

    #[test]
    fn counts_set_their_thousands_apart() {
        let shown = [0, 999, 1000, 1_000_000_000].map(|n| Count(n).to_string());
        assert_eq!(shown, ["0", "999", "1,000", "1,000,000,000"]);
    }
}
