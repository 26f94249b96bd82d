//! Finds the name that a person probably meant when they wrote another one.

/// The longest name that is compared, in characters.
const LONGEST: usize = 64;

/// The candidate that is most likely meant: at most a third of its letters differ. Case, and `-` or `_` between words,
/// make no difference.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let normal = |name: &str| name.to_lowercase().replace('_', "-");
    let word = normal(word);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&word, &normal(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).clamp(1, 4))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_name_with_few_other_letters_is_the_one_that_was_meant() {
        let known = ["approvals", "allowed-windows", "role"];
        assert_eq!(closest("aprovals", known), Some("approvals"));
        assert_eq!(closest("ALLOWED_WINDOW", known), Some("allowed-windows"));
        assert_eq!(closest("team", known), None);
        assert_eq!(closest(&"a".repeat(65), known), None);
    }
}
