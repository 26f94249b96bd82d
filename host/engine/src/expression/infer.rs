//! The static check: finds mistakes in an expression that could be parsed.
//!
//! CEL reports a wrong name or a wrong comparison only when it reaches the place, perhaps on the night of the one
//! deployment that takes that branch. The shape of the snapshot is known beforehand, so the check compares the tree
//! with it. It accepts everything whose shape it does not know, and so never refuses an expression that could work.

mod constant;
mod guard;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use lockgate_domain::PersonId;

use super::functions;
use super::parse::Parsed;
use super::shape::{Field, Fields, Shape, TimePart};
use super::source_map::SourceMap;
use super::walk::{collect_tested, literal_text, written, written_literal};
use crate::model::{ModelFinding, listed, roles};

/// The decision that a condition makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConditionOf {
    /// Whether a binding is asked.
    Binding,
    /// Whether a model applies.
    Model,
}

/// What an expression is checked against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning<'c> {
    pub(super) variables: &'c Fields,
    pub(super) condition_of: ConditionOf,
    /// The roles that the model declares.
    pub(super) roles: &'c BTreeSet<String>,
}

/// All errors and warnings of the expression.
pub(super) fn check(parsed: &Parsed<'_>, meaning: Meaning<'_>) -> Vec<ModelFinding> {
    let Meaning { variables, condition_of, roles } = meaning;
    let mut tested = BTreeSet::new();
    collect_tested(&parsed.tree, &mut tested);
    let (sites, scope, findings) = (&parsed.sites, Vec::new(), Vec::new());
    let mut checker = Checker { sites, variables, condition_of, roles, scope, tested, findings };
    let shape = checker.shape(&parsed.tree);
    checker.constant_condition(parsed);
    if !matches!(shape, Shape::Bool | Shape::Any | Shape::Made(_)) {
        let message = format!("the expression gives {}, and not true or false", shape.name());
        checker.findings.push(ModelFinding::error("not-a-condition", parsed.sites.whole(), message));
    }
    checker.findings
}

struct Checker<'c> {
    sites: &'c SourceMap<'c>,
    variables: &'c Fields,
    condition_of: ConditionOf,
    roles: &'c BTreeSet<String>,
    /// The surrounding loops, innermost last.
    scope: Vec<Loop>,
    /// The paths that `has(…)` tests, anywhere in the expression.
    tested: BTreeSet<String>,
    findings: Vec<ModelFinding>,
}

/// A loop over a list or an object.
struct Loop {
    variable: String,
    /// The shape of the loop variable.
    item: Shape,
    /// The text of the expression that the loop goes over, and the variable at its root.
    range: Option<(String, String)>,
}

impl Checker<'_> {
    fn error(&mut self, code: &'static str, span: Range<usize>, message: String) -> &mut ModelFinding {
        self.push(ModelFinding::error(code, span, message))
    }

    fn push(&mut self, finding: ModelFinding) -> &mut ModelFinding {
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "it was pushed just now")]
        &mut self.findings[last]
    }

    fn shape(&mut self, node: &IdedExpr) -> Shape {
        match &node.expr {
            Expr::Literal(literal) => literal_shape(literal),
            Expr::Ident(name) => self.variable(node, name),
            Expr::Select(select) => self.select(node, select),
            Expr::Call(call) => self.call(node, call),
            Expr::Comprehension(loops) => self.comprehension(node, loops),
            Expr::List(list) => {
                let shapes: Vec<Shape> = list.elements.iter().map(|element| self.shape(element)).collect();
                Shape::List(Arc::new(common(shapes)))
            }
            Expr::Map(map) => {
                let mut shapes = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.shape(&entry.key);
                        shapes.push(self.shape(&entry.value));
                    }
                }
                Shape::Map(Arc::new(common(shapes)))
            }
            Expr::Struct(built) => {
                let message = format!("there is no type `{}` to build", built.type_name);
                self.error("invalid-expression", self.sites.token(node), message);
                Shape::Any
            }
            Expr::Unspecified => Shape::Any,
        }
    }

    /// Reports a condition that reads nothing: it is the same for every deployment.
    fn constant_condition(&mut self, parsed: &Parsed<'_>) {
        let looks_at_something = self.variables.keys().any(|name| parsed.tree.references().has_variable(name));
        if looks_at_something || !self.findings.is_empty() {
            return;
        }
        let message = "the condition looks at nothing, so it is the same for every deployment".to_owned();
        self.push(ModelFinding::warning("constant-condition", parsed.sites.whole(), message));
    }

    fn variable(&mut self, node: &IdedExpr, name: &str) -> Shape {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some(around) = self.scope.iter().rev().find(|around| around.variable == name) {
            return around.item.clone();
        }
        if let Some(field) = self.variables.get(name) {
            return field.shape.clone();
        }
        // The macros' own variables cannot be written, so they are never wrong.
        if name.starts_with('@') || functions::TYPES.contains(&name) {
            return Shape::Any;
        }
        let of_loops = self.scope.iter().map(|around| around.variable.as_str());
        let known: Vec<&str> = of_loops.chain(self.variables.keys().map(String::as_str)).collect();
        let finding =
            ModelFinding::error("unknown-variable", self.sites.token(node), format!("there is no variable `{name}`"));
        let finding = finding.suggest(name, known);
        self.findings.push(match self.variables.len() {
            1 => finding.note("a group's expression sees what its members say, and nothing else"),
            _ => finding,
        });
        Shape::Any
    }

    fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Shape {
        let operand = self.shape(&select.operand);
        let span = self.sites.field(node, &select.operand, &select.field);
        let field = self.field(&operand, &select.field, span.clone());
        if select.test {
            return Shape::Bool;
        }
        self.guarded(node, &select.operand, field.as_ref(), span);
        field.map_or(Shape::Any, |field| field.shape)
    }

    /// The field with this name. None if it is unknown. Reports it if it does not exist.
    fn field(&mut self, operand: &Shape, name: &str, span: Range<usize>) -> Option<Field> {
        match operand {
            Shape::Any | Shape::Made(_) => None,
            Shape::Map(shape) => Some(Field { shape: Shape::clone(shape), optional: true }),
            Shape::Object(fields) => {
                if let Some(field) = fields.get(name) {
                    return Some(field.clone());
                }
                let finding = ModelFinding::error("unknown-field", span, format!("there is no field `{name}` here"));
                self.findings.push(finding.suggest(name, fields.keys().map(String::as_str)));
                None
            }
            other => {
                let message = format!("{} has no field `{name}`", other.name());
                let finding = self.error("unknown-field", span, message);
                if matches!(other, Shape::List(_)) {
                    finding.helps.push(format!("ask its items: `….exists(x, x.{name} == …)`"));
                }
                None
            }
        }
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Shape {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                self.condition(condition);
                let shapes = vec![self.shape(yes), self.shape(no)];
                common(shapes)
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.condition(left);
                self.condition(right);
                Shape::Bool
            }
            (operators::LOGICAL_NOT, [inner]) => {
                self.condition(inner);
                Shape::Bool
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                self.compare(node, left, right, false);
                Shape::Bool
            }
            (
                operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                self.compare(node, left, right, true);
                Shape::Bool
            }
            (operators::IN, [left, right]) => {
                self.search(node, left, right);
                Shape::Bool
            }
            (operators::INDEX, [operand, index]) => self.index(node, operand, index),
            (operators::OPT_SELECT | operators::OPT_INDEX, [operand, name]) => {
                let operand = self.shape(operand);
                let field = literal_text(name).and_then(|field| self.field(&operand, field, self.sites.token(node)));
                field.and_then(|field| field.shape.made_of()).unwrap_or(Shape::Any)
            }
            (operators::ADD | operators::SUBSTRACT, [left, right]) => {
                let (left, right) = (self.shape(left), self.shape(right));
                self.addable(node, &left, &right, call.func_name == operators::ADD);
                match (left, right, call.func_name == operators::ADD) {
                    (Shape::Time, Shape::Time, false) => Shape::Length,
                    (Shape::Time, Shape::Length, _) | (Shape::Length, Shape::Time, true) => Shape::Time,
                    (left, right, _) => {
                        let made = left.made_of().or_else(|| right.made_of());
                        made.unwrap_or_else(|| common(vec![left, right]))
                    }
                }
            }
            (operators::DIVIDE | operators::MODULO, [left, right]) => {
                let shapes = vec![self.shape(left), self.shape(right)];
                if literal_int(right) == Some(0) {
                    let message = "nothing can be divided by 0: the condition can never be evaluated".to_owned();
                    self.error("invalid-expression", self.sites.token(node), message);
                }
                common(shapes)
            }
            (operators::NEGATE, [inner]) => self.shape(inner),
            (name, arguments) => {
                if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '.') {
                    return self.function(node, call);
                }
                let shapes = arguments.iter().map(|argument| self.shape(argument)).collect();
                common(shapes)
            }
        }
    }

    /// Checks an expression that must be true or false.
    fn condition(&mut self, node: &IdedExpr) {
        let shape = self.shape(node);
        if !matches!(shape, Shape::Bool | Shape::Any | Shape::Made(_)) {
            let message = format!("this is {}, and not true or false", shape.name());
            self.error("not-a-condition", self.span(node), message);
        }
    }

    fn compare(&mut self, node: &IdedExpr, left: &IdedExpr, right: &IdedExpr, ordered: bool) {
        let (one, other) = (self.shape(left), self.shape(right));
        if !one.is_comparable(&other) {
            self.mismatch(node, &one, &other);
            return;
        }
        self.word(&one, right);
        self.word(&other, left);
        self.part(node, &one, right, false);
        self.part(node, &other, left, true);
        self.words_of_list(&one, right);
        self.words_of_list(&other, left);
        let (one, other) = (one.letters_of(), other.letters_of());
        if let (true, Shape::Word(words), _) | (true, _, Shape::Word(words)) = (ordered, one, other) {
            let message = "words are ordered by their letters, not by what they mean".to_owned();
            let help = format!(
                "list the words that you mean: `… in [{}]`",
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
            );
            self.error("ordered-by-letters", self.sites.token(node), message).helps.push(help);
        }
        if ordered && (*one == Shape::Version || *other == Shape::Version) {
            self.version_by_letters(node, left, right);
        }
    }

    fn version_by_letters(&mut self, node: &IdedExpr, left: &IdedExpr, right: &IdedExpr) {
        let message = "versions are ordered by their letters: `0.9.0` would come after `0.10.0`".to_owned();
        let read = |side: &IdedExpr| {
            let text = written(side).map(|(text, _)| text).or_else(|| written_literal(side));
            format!("semver({})", text.unwrap_or_else(|| "…".to_owned()))
        };
        let operator = match &node.expr {
            Expr::Call(call) => call.func_name.trim_matches('_'),
            _ => "<",
        };
        let help = format!("compare what they mean: `{} {operator} {}`", read(left), read(right));
        self.error("ordered-by-letters", self.sites.token(node), message).helps.push(help);
    }

    /// Checks a list that is compared with a list of words: its items must be such words.
    fn words_of_list(&mut self, shape: &Shape, list: &IdedExpr) {
        if let (Shape::List(item), Expr::List(list)) = (shape, &list.expr) {
            list.elements.iter().for_each(|element| self.word(item, element));
        }
    }

    /// Checks an addition or subtraction: texts, numbers, times and lists only fit their own kind.
    fn addable(&mut self, node: &IdedExpr, left: &Shape, right: &Shape, adds: bool) {
        let kind = |shape: &Shape| match shape {
            Shape::Any | Shape::Made(_) => None,
            shape if shape.is_text() => Some("a text"),
            Shape::Time | Shape::Length => Some("a time"),
            shape => Some(shape.name()),
        };
        let (Some(one), Some(other)) = (kind(left), kind(right)) else { return };
        let never = |kind| matches!(kind, "`null`" | "true or false" | "an object") || (!adds && kind == "a text");
        if one == other && !never(one) {
            return;
        }
        let message = match adds {
            true => format!("{one} and {other} cannot be added"),
            false => format!("{other} cannot be subtracted from {one}"),
        };
        let finding = self.error("wrong-comparison", self.sites.token(node), message);
        if adds && (one == "a text") != (other == "a text") {
            finding.helps.push("make a text of the other value: `string(…)`".to_owned());
        }
    }

    /// Checks a number that is compared with a part of a time: the part must be able to have that value.
    fn part(&mut self, node: &IdedExpr, shape: &Shape, literal: &IdedExpr, turned: bool) {
        let (Shape::Part(part), Some(number)) = (shape, literal_int(literal)) else { return };
        let Expr::Call(call) = &node.expr else { return };
        let can_hold = match (call.func_name.as_str(), turned) {
            (operators::LESS, false) | (operators::GREATER, true) => part.first < number,
            (operators::LESS_EQUALS, false) | (operators::GREATER_EQUALS, true) => part.first <= number,
            (operators::GREATER, false) | (operators::LESS, true) => part.last > number,
            (operators::GREATER_EQUALS, false) | (operators::LESS_EQUALS, true) => part.last >= number,
            _ => (part.first..=part.last).contains(&number),
        };
        if !can_hold {
            let TimePart { function, first, last, counts } = part;
            let message = match call.func_name.as_str() {
                operators::EQUALS | operators::NOT_EQUALS | operators::IN => {
                    format!("`{number}` is never the value of this")
                }
                _ => "this never holds".to_owned(),
            };
            let finding = self.error("unknown-value", self.sites.token(literal), message);
            finding.notes.push(format!("`{function}` gives {first} to {last}: it counts {counts}"));
        }
    }

    fn mismatch(&mut self, node: &IdedExpr, one: &Shape, other: &Shape) {
        let message = format!("{} is compared with {}", one.name(), other.name());
        let help = match (one, other) {
            (Shape::Null, _) | (_, Shape::Null) => Some("what is absent is not `null`: ask with `has(…)`"),
            (Shape::Time, Shape::Text) | (Shape::Text, Shape::Time) => {
                Some("write a time as `timestamp(\"2026-11-24T20:00:00Z\")`")
            }
            (Shape::Semver, other) | (other, Shape::Semver) if other.is_text() => {
                Some("compare it with another version: `semver(\"2.4.0\")`")
            }
            (Shape::Length, Shape::Text) | (Shape::Text, Shape::Length) => {
                Some("write a length of time as `duration(\"90m\")`")
            }
            _ => None,
        };
        let finding = self.error("wrong-comparison", self.sites.token(node), message);
        finding.helps.extend(help.map(str::to_owned));
    }

    /// Checks a literal that is compared: with a value that is one of a few words, it must be one of them; with the id
    /// of a person, it must be in the normal form; with a role, it should be a role that a person can hold.
    fn word(&mut self, shape: &Shape, literal: &IdedExpr) {
        if let (Shape::Person, Some(text)) = (shape, literal_text(literal)) {
            return self.person(text, literal);
        }
        if let (Shape::Role, Some(role)) = (shape, literal_text(literal)) {
            return self.findings.extend(roles::unknown(role, self.roles, self.sites.token(literal)));
        }
        let (Shape::Word(words), Some(word)) = (shape, literal_text(literal)) else { return };
        if words.iter().any(|known| known == word) {
            return;
        }
        let span = self.sites.token(literal);
        let finding = ModelFinding::error("unknown-value", span, format!("`{word}` is never the value of this"));
        let known = words.iter().map(String::as_str);
        let finding = finding.note(format!("it is one of {}", listed(known.clone())));
        self.findings.push(match lockgate_domain::closest(word, known) {
            Some(close) => finding.help(format!("did you mean `{close}`?")),
            None => finding,
        });
    }

    fn person(&mut self, text: &str, literal: &IdedExpr) {
        let finding = match PersonId::new(text) {
            Ok(id) if id.normal() == text => return,
            Ok(id) => {
                let note = "the ids of people are compared in their normal form: trimmed, and without regard to case";
                let finding = ModelFinding::error(
                    "unknown-value",
                    self.sites.token(literal),
                    format!("`{text}` is never the value of this"),
                );
                finding.note(note.to_owned()).help(format!("write `{}`", id.normal()))
            }
            Err(wrong) => ModelFinding::error("unknown-value", self.sites.token(literal), wrong.to_string()),
        };
        self.findings.push(finding);
    }

    fn search(&mut self, node: &IdedExpr, left: &IdedExpr, right: &IdedExpr) {
        let (sought, container) = (self.shape(left), self.shape(right));
        match &container {
            Shape::Any | Shape::Made(_) | Shape::Map(_) | Shape::Object(_) => {}
            Shape::List(item) => {
                if !sought.is_comparable(item) {
                    self.mismatch(node, &sought, item);
                }
                self.word(item, left);
                if let Expr::List(list) = &right.expr {
                    if list.elements.is_empty() {
                        self.error("unknown-value", self.sites.token(node), "nothing is in an empty list".to_owned());
                    }
                    for element in &list.elements {
                        self.word(&sought, element);
                        self.part(node, &sought, element, false);
                    }
                }
            }
            other => {
                let message = format!("`in` looks into a list or an object, and this is {}", other.name());
                let finding = self.error("wrong-comparison", self.sites.token(node), message);
                if other.is_text() {
                    finding.helps.push("look into a text with `text.contains(…)`".to_owned());
                }
            }
        }
    }

    fn index(&mut self, node: &IdedExpr, operand: &IdedExpr, index: &IdedExpr) -> Shape {
        let shape = self.shape(operand);
        self.shape(index);
        if let Shape::List(item) = shape {
            return Shape::clone(&item);
        }
        let Some(name) = literal_text(index) else { return Shape::Any };
        let span = self.sites.token(index);
        let field = self.field(&shape, name, span.clone());
        self.guarded(node, operand, field.as_ref(), span);
        field.map_or(Shape::Any, |field| field.shape)
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Shape {
        let name = call.func_name.strip_prefix('.').unwrap_or(&call.func_name);
        let span = self.sites.function(node, name);
        // A macro that is still a call was written wrongly, and its arguments would be misunderstood.
        let mut arguments = Vec::new();
        if !functions::MACROS.iter().any(|(known, _)| *known == name) {
            arguments.extend(call.args.iter().map(|argument| self.shape(argument)));
        }
        // A function that returns a version or a word, or a text of it, keeps the shape.
        let passed_on = |shapes: &[Shape]| shapes.iter().find_map(Shape::made_of);
        let Some(target) = &call.target else {
            if let Some(gives) = functions::global(name) {
                self.constant(name, call, span);
                return match (name, arguments.as_slice()) {
                    ("string" | "dyn", [same]) if same.made_of().is_some() => same.clone(),
                    _ => gives,
                };
            }
            let other = functions::member(name).map(|_| format!("write `value.{name}(…)`"));
            return self.unknown_function(name, span, other, functions::GLOBAL.iter().map(|(name, _)| *name));
        };
        if let Expr::Ident(space) = &target.expr
            && let Some(gives) = functions::global(&format!("{space}.{name}"))
        {
            return passed_on(&arguments).unwrap_or(gives);
        }
        let receiver = self.shape(target);
        let Some(gives) = functions::member(name) else {
            let other = functions::global(name).map(|_| format!("write `{name}(…)`"));
            return self.unknown_function(name, span, other, functions::MEMBER.iter().map(|(name, _)| *name));
        };
        let fits = match name {
            "contains" | "startsWith" | "endsWith" | "matches" => receiver.is_text(),
            "size" => receiver.is_text() || matches!(receiver, Shape::List(_) | Shape::Map(_) | Shape::Object(_)),
            _ if name.starts_with("get") => matches!(receiver, Shape::Time | Shape::Length),
            _ => true,
        };
        if !fits && !matches!(receiver, Shape::Any | Shape::Made(_)) {
            self.error("wrong-comparison", span, format!("`{name}` cannot be asked of {}", receiver.name()));
        } else {
            self.constant(name, call, span);
        }
        if let ("startsWith" | "endsWith" | "contains", Shape::Person, [argument]) =
            (name, &receiver, call.args.as_slice())
            && let Some(text) = literal_text(argument)
            && text.to_lowercase() != text
        {
            self.person(text, argument);
        }
        match (name, functions::part(name)) {
            ("or" | "orValue" | "value", _) => receiver.made_of().or_else(|| passed_on(&arguments)).unwrap_or(gives),
            // For a duration, it is no part of a time.
            (_, Some(part)) if receiver == Shape::Time => Shape::Part(part),
            _ => gives,
        }
    }

    fn unknown_function(
        &mut self,
        name: &str,
        span: Range<usize>,
        other: Option<String>,
        known: impl Iterator<Item = &'static str>,
    ) -> Shape {
        let finding =
            ModelFinding::error("unknown-function", span, format!("there is no function `{name}` to call like this"));
        let form =
            functions::MACROS.iter().find(|(known, _)| *known == name).map(|(_, form)| format!("write `{form}`"));
        self.findings.push(match form.or(other) {
            Some(help) => finding.help(help),
            None => {
                let close =
                    lockgate_domain::closest(name, known.chain(functions::MACROS.iter().map(|(name, _)| *name)));
                match close {
                    Some(close) => finding.help(format!("did you mean `{close}`?")),
                    None => finding,
                }
            }
        });
        Shape::Any
    }

    fn comprehension(&mut self, node: &IdedExpr, loops: &ComprehensionExpr) -> Shape {
        let range = self.shape(&loops.iter_range);
        let item = match &range {
            Shape::List(item) => Shape::clone(item),
            Shape::Map(_) | Shape::Object(_) => Shape::Text,
            Shape::Any | Shape::Made(_) => Shape::Any,
            other => {
                let message = format!("{} cannot be looped over", other.name());
                self.error("wrong-comparison", self.sites.token(node), message);
                Shape::Any
            }
        };
        let range = written(&loops.iter_range).map(|(text, root)| (text, root.to_owned()));
        self.scope.push(Loop { variable: loops.iter_var.clone(), item, range });
        let step = self.step(&loops.loop_step);
        self.scope.pop();
        match &loops.accu_init.expr {
            Expr::List(_) => Shape::List(Arc::new(step.unwrap_or(Shape::Any))),
            _ => Shape::Bool,
        }
    }

    /// Checks the body of a loop. Returns the shape that it adds to the list, if it adds one.
    fn step(&mut self, node: &IdedExpr) -> Option<Shape> {
        let Expr::Call(call) = &node.expr else {
            self.shape(node);
            return None;
        };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [condition, step, _]) => {
                self.condition(condition);
                self.step(step)
            }
            (operators::ADD, [_, added]) => match self.shape(added) {
                Shape::List(item) => Some(Shape::clone(&item)),
                _ => None,
            },
            _ => {
                self.shape(node);
                None
            }
        }
    }

    fn span(&self, node: &IdedExpr) -> Range<usize> {
        match &node.expr {
            Expr::Select(select) => self.sites.field(node, &select.operand, &select.field),
            _ => self.sites.token(node),
        }
    }
}

/// The common shape, if all have the same. A result that may be a version or a word is treated as one.
fn common(shapes: Vec<Shape>) -> Shape {
    let made = shapes.iter().find_map(Shape::made_of);
    let mut shapes = shapes.into_iter();
    let first = shapes.next().unwrap_or(Shape::Any);
    if shapes.all(|shape| shape == first) { first } else { made.unwrap_or(Shape::Any) }
}

/// The value of a number literal, with its sign.
fn literal_int(node: &IdedExpr) -> Option<i64> {
    match &node.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(*number.inner()),
        Expr::Call(call) if call.func_name == operators::NEGATE => match call.args.as_slice() {
            [inner] => literal_int(inner)?.checked_neg(),
            _ => None,
        },
        _ => None,
    }
}

fn literal_shape(literal: &LiteralValue) -> Shape {
    match literal {
        LiteralValue::Boolean(_) => Shape::Bool,
        LiteralValue::Int(_) | LiteralValue::UInt(_) => Shape::Int,
        LiteralValue::Double(_) => Shape::Double,
        LiteralValue::String(_) => Shape::Text,
        LiteralValue::Null => Shape::Null,
        LiteralValue::Bytes(_) => Shape::Any,
    }
}
