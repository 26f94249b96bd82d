//! Reads what a model says of stops of the line, and of the reviews of overrides.

use super::super::OverrideReviews;
use super::{ModelFinding, Reader, Table};

impl Reader<'_> {
    /// Reads `[stops]`: whether the hotfix lane stays open.
    pub(super) fn hotfix_lane(&mut self, document: &Table<'_>) -> bool {
        let Some(table) = self.optional(document, "stops").and_then(|field| self.table(&field)) else { return false };
        self.known_keys(&table, &["hotfix"]);
        let words = [("open", true), ("closed", false)];
        let hotfix = self.optional(&table, "hotfix");
        hotfix.and_then(|field| self.word(&field, "unknown-hotfix-lane", &words)).unwrap_or_default()
    }

    /// Reads `[overrides]`: when overrides are reviewed.
    pub(super) fn override_reviews(&mut self, document: &Table<'_>) -> OverrideReviews {
        let mut reviews = OverrideReviews::default();
        let Some(table) = self.optional(document, "overrides").and_then(|field| self.table(&field)) else {
            return reviews;
        };
        self.known_keys(&table, &["review-within", "block-after"]);
        let within = self.optional(&table, "review-within").and_then(|field| self.duration(&field));
        reviews.within = within.unwrap_or(reviews.within);
        let Some(field) = self.optional(&table, "block-after") else { return reviews };
        reviews.block_after = self.duration(&field);
        if let Some(block_after) = reviews.block_after.filter(|block_after| *block_after < reviews.within) {
            let message = format!(
                "a missing review would stop deployments after `{block_after}`, and it is due after `{}`",
                reviews.within
            );
            let finding = ModelFinding::error("blocked-before-due", field.span, message);
            self.findings.push(finding.help("let `block-after` be at least as long as `review-within`"));
        }
        reviews
    }
}
