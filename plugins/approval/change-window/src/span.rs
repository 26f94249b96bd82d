//! Spans of time, and sets of them. All in milliseconds since 1970-01-01T00:00:00Z; `start` is in, `end` is not.

/// A span of time that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Span {
    /// None if it would be empty.
    pub(crate) fn new(start: i64, end: i64) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    pub(crate) fn contains(self, moment: i64) -> bool {
        self.start <= moment && moment < self.end
    }

    /// What both have in common.
    pub(crate) fn common(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

/// The same time, in order, with what touches or overlaps made one.
pub(crate) fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// What is left of `spans` without `taken`. Both have to be merged.
pub(crate) fn without(spans: &[Span], taken: &[Span]) -> Vec<Span> {
    let mut left = Vec::new();
    for span in spans {
        let mut start = span.start;
        for hole in taken.iter().filter(|hole| hole.start < span.end && span.start < hole.end) {
            left.extend(Span::new(start, hole.start));
            start = start.max(hole.end);
        }
        left.extend(Span::new(start, span.end));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::{Span, merged, without};

    fn spans(pairs: &[(i64, i64)]) -> Vec<Span> {
        pairs.iter().filter_map(|(start, end)| Span::new(*start, *end)).collect()
    }

    #[test]
    fn what_touches_becomes_one() {
        assert_eq!(merged(spans(&[(5, 9), (1, 3), (3, 4), (6, 7), (9, 10)])), spans(&[(1, 4), (5, 10)]));
    }

    #[test]
    fn holes_are_cut_out() {
        assert_eq!(without(&spans(&[(0, 10)]), &spans(&[(2, 3), (5, 7)])), spans(&[(0, 2), (3, 5), (7, 10)]));
        assert_eq!(without(&spans(&[(0, 10)]), &spans(&[(-5, 2), (9, 12)])), spans(&[(2, 9)]));
        assert_eq!(without(&spans(&[(0, 10), (20, 30)]), &spans(&[(5, 25)])), spans(&[(0, 5), (25, 30)]));
        assert_eq!(without(&spans(&[(0, 10)]), &spans(&[(0, 10)])), []);
    }
}
