//! Numbers with their nouns: `1 entry`, `3 entries`.

use std::fmt::Display;

/// A count with its noun in singular or plural.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_singular_and_none_is_not() {
        assert_eq!(counted(1_u64, "entry", "entries"), "1 entry");
        assert_eq!(counted(0_usize, "entry", "entries"), "0 entries");
        assert_eq!(counted(12_u32, "entry", "entries"), "12 entries");
    }
}
