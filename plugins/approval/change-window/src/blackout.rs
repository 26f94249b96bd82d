//! Times in which nothing is deployed: some once, some each year.

use jiff::civil::DateTime;

use crate::boundary::{Edge, YearlyBoundary};
use crate::span::{Span, merged};
use crate::zone::Zone;

/// A blackout, or one piece of it where the clock changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blackout<'a> {
    pub(crate) name: &'a str,
    pub(crate) span: Span,
}

/// A span that comes back each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Yearly {
    from: YearlyBoundary,
    until: YearlyBoundary,
    /// Whether it ends in the year after the one in which it begins.
    over_new_year: bool,
}

impl Yearly {
    /// None if nothing of the year is left beside it.
    pub(crate) fn new(from: YearlyBoundary, until: YearlyBoundary) -> Option<Self> {
        // A leap year, which has all days.
        let (start, end) = (from.in_year(2000, Edge::Begin)?, until.in_year(2000, Edge::End)?);
        let whole = start == end || from.in_year(2001, Edge::Begin) == Some(end);
        (!whole).then_some(Self { from, until, over_new_year: end < start })
    }

    /// As the clock on the wall shows it, for the span that begins in that year.
    fn in_year(self, year: i16) -> Option<(DateTime, DateTime)> {
        let ends = year.checked_add(i16::from(self.over_new_year))?;
        Some((self.from.in_year(year, Edge::Begin)?, self.until.in_year(ends, Edge::End)?))
    }
}

/// All blackouts of the settings.
#[derive(Debug, Default)]
pub(crate) struct Blackouts {
    once: Vec<(String, Span)>,
    yearly: Vec<(String, Yearly)>,
}

impl Blackouts {
    pub(crate) fn new(once: Vec<(String, Span)>, yearly: Vec<(String, Yearly)>) -> Self {
        Self { once, yearly }
    }

    /// All blackouts that have some time in `within`, whole.
    pub(crate) fn touching(&self, zone: &Zone, within: Span) -> Vec<Blackout<'_>> {
        let once = self.once.iter().map(|(name, span)| Blackout { name, span: *span });
        let year = |moment| zone.wall_clock(moment).year();
        // One that began in the year before may still hold.
        let years = year(within.start).saturating_sub(1)..=year(within.end);
        let yearly = self.yearly.iter().flat_map(|(name, yearly)| {
            let spans = years.clone().filter_map(|year| yearly.in_year(year));
            spans.flat_map(|(start, end)| zone.moments(start, end)).map(move |span| Blackout { name, span })
        });
        once.chain(yearly).filter(|blackout| blackout.span.common(within).is_some()).collect()
    }

    /// Their time in and around `within`.
    pub(crate) fn closed(&self, zone: &Zone, within: Span) -> Vec<Span> {
        merged(self.touching(zone, within).into_iter().map(|blackout| blackout.span).collect())
    }
}
