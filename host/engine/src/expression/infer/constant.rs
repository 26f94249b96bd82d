//! Checks constants in calls: finds those that no evaluation could read.

use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::CallExpr;

use super::Checker;
use crate::expression::walk::literal_text;
use crate::expression::{budget, functions};

impl Checker<'_> {
    /// Checks a literal time, duration, time zone or pattern.
    pub(super) fn constant(&mut self, name: &str, call: &CallExpr, span: Range<usize>) {
        let Some(literal) = call.args.last().and_then(literal_text) else { return };
        let trial = match (name, &call.target) {
            ("timestamp" | "duration" | "semver", None) => format!("{name}({literal:?})"),
            ("matches", _) => format!("''.matches({literal:?})"),
            (getter, Some(_)) if getter.starts_with("get") => format!("timestamp(0).{getter}({literal:?})"),
            _ => return,
        };
        let Ok(tree) = functions::environment().parser().parse(&trial) else { return };
        let tree = budget::metered(tree);
        let context = cel::Context::with_env(Arc::clone(functions::environment()));
        if cel::Value::resolve_val(&tree, &context).is_err() {
            let span = call.args.last().map_or(span, |argument| self.sites.token(argument));
            let what = match name {
                "timestamp" => "a time in RFC 3339, for example `2026-11-24T20:00:00Z`",
                "duration" => "a length of time, for example `1h30m` or `90d`",
                "semver" => "a semantic version, for example `2.4.0`",
                "matches" => "a regular expression",
                _ => "a time zone, for example `Europe/Berlin`",
            };
            self.error("invalid-expression", span, format!("`{literal}` is not {what}"));
        }
    }
}
