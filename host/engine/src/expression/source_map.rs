//! Finds the places of a syntax tree's nodes in the text.
//!
//! The parser remembers one token per node, in characters: for `a.b` the dot, for `f(x)` the parenthesis. Findings
//! point at names, in bytes.

use std::ops::Range;

use cel::common::ast::{IdedExpr, SourceInfo};

/// The text of an expression and the tokens of its nodes.
pub(super) struct SourceMap<'t> {
    text: &'t str,
    info: SourceInfo,
    /// The byte offset of each character, and of the end.
    starts: Vec<usize>,
}

impl<'t> SourceMap<'t> {
    pub(super) fn new(text: &'t str, info: SourceInfo) -> Self {
        let starts = text.char_indices().map(|(index, _)| index).chain([text.len()]).collect();
        Self { text, info, starts }
    }

    /// The whole expression, without the blanks around it.
    pub(super) fn whole(&self) -> Range<usize> {
        let start = self.text.len() - self.text.trim_start().len();
        start..self.text.trim_end().len().max(start)
    }

    /// The text of the whole expression, if it can be put into another one unchanged: it is one short line, and
    /// contains nothing that may be a comment.
    pub(super) fn quotable(&self) -> Option<&str> {
        const LONGEST: usize = 400;
        let text = self.text.trim();
        (text.len() <= LONGEST && !text.contains('\n') && !text.contains("//")).then_some(text)
    }

    /// The node's own token.
    pub(super) fn token(&self, node: &IdedExpr) -> Range<usize> {
        let byte = |character: u32| usize::try_from(character).ok().and_then(|index| self.starts.get(index)).copied();
        let token = self.info.offset_for(node.id).and_then(|(first, last)| Some(byte(first)?..byte(last + 1)?));
        token.filter(|token| token.start <= token.end).unwrap_or_else(|| self.whole())
    }

    /// The name after the dot of `operand.name`, also within `has(operand.name)`.
    pub(super) fn field(&self, node: &IdedExpr, operand: &IdedExpr, name: &str) -> Range<usize> {
        let dot = self.token(node);
        [dot.start, self.token(operand).end]
            .into_iter()
            .find_map(|from| {
                let rest = self.text.get(from..)?;
                let behind = rest.trim_start().strip_prefix('.')?;
                let behind = behind.strip_prefix('?').unwrap_or(behind).trim_start();
                behind.starts_with(name).then(|| {
                    let start = self.text.len() - behind.len();
                    start..start + name.len()
                })
            })
            .unwrap_or(dot)
    }

    /// The name before the parenthesis of a call.
    pub(super) fn function(&self, node: &IdedExpr, name: &str) -> Range<usize> {
        let parenthesis = self.token(node);
        let before = self.text.get(..parenthesis.start).unwrap_or_default().trim_end();
        if before.ends_with(name) { before.len() - name.len()..before.len() } else { parenthesis }
    }
}
