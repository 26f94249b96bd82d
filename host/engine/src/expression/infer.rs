//! The static check: what is wrong with an expression that could be read.
//!
//! CEL finds a wrong name or a wrong comparison when it gets there, which may be on the night of the one deployment that
//! takes that branch. The snapshot's shape is known beforehand, so the check walks the tree with it. What it does not
//! know it takes for right: it never refuses an expression that could work.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use lockgate_domain::PersonId;

use super::functions;
use super::parse::Parsed;
use super::shape::{Field, Fields, Shape};
use super::sites::Sites;
use super::walk::{collect_tested, literal_text, path};
use crate::model::{Finding, listed};

/// Everything that is wrong with the expression, or looks wrong.
pub(super) fn check(parsed: &Parsed<'_>, variables: &Fields) -> Vec<Finding> {
    let mut tested = BTreeSet::new();
    collect_tested(&parsed.tree, &mut tested);
    let mut checker = Checker { sites: &parsed.sites, variables, scope: Vec::new(), tested, findings: Vec::new() };
    let shape = checker.shape(&parsed.tree);
    if !matches!(shape, Shape::Bool | Shape::Any) {
        let message = format!("the expression gives {}, and not true or false", shape.name());
        checker.findings.push(Finding::error("not-a-condition", parsed.sites.whole(), message));
    }
    checker.findings
}

struct Checker<'c> {
    sites: &'c Sites<'c>,
    variables: &'c Fields,
    /// The variables of the loops around, innermost last.
    scope: Vec<(String, Shape)>,
    /// What `has(…)` asks for, anywhere in the expression.
    tested: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn error(&mut self, code: &'static str, span: Range<usize>, message: String) -> &mut Finding {
        self.push(Finding::error(code, span, message))
    }

    fn push(&mut self, finding: Finding) -> &mut Finding {
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
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.shape(&entry.key);
                        self.shape(&entry.value);
                    }
                }
                Shape::Map(Arc::new(Shape::Any))
            }
            Expr::Struct(built) => {
                let message = format!("there is no type `{}` to build", built.type_name);
                self.error("invalid-expression", self.sites.token(node), message);
                Shape::Any
            }
            Expr::Unspecified => Shape::Any,
        }
    }

    fn variable(&mut self, node: &IdedExpr, name: &str) -> Shape {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some((_, shape)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            return shape.clone();
        }
        if let Some(field) = self.variables.get(name) {
            return field.shape.clone();
        }
        // The macros' own variables cannot be written, so they are never wrong.
        if name.starts_with('@') || functions::TYPES.contains(&name) {
            return Shape::Any;
        }
        let known: Vec<&str> =
            self.scope.iter().map(|(name, _)| name.as_str()).chain(self.variables.keys().map(String::as_str)).collect();
        let finding =
            Finding::error("unknown-variable", self.sites.token(node), format!("there is no variable `{name}`"));
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

    /// The field of that name; nothing if nobody knows, or if there is none, which is reported.
    fn field(&mut self, operand: &Shape, name: &str, span: Range<usize>) -> Option<Field> {
        match operand {
            Shape::Any => None,
            Shape::Map(shape) => Some(Field { shape: Shape::clone(shape), optional: true }),
            Shape::Object(fields) => {
                if let Some(field) = fields.get(name) {
                    return Some(field.clone());
                }
                let finding = Finding::error("unknown-field", span, format!("there is no field `{name}` here"));
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

    /// Warns of a field that can be absent and that no `has(…)` asks for.
    fn guarded(&mut self, node: &IdedExpr, operand: &IdedExpr, field: Option<&Field>, span: Range<usize>) {
        let root = match &operand.expr {
            Expr::Ident(name) if self.scope.iter().all(|(known, _)| known != name) => {
                self.variables.get_key_value(name)
            }
            _ => None,
        };
        let absent_root = root.filter(|(name, root)| {
            root.optional && !self.tested.iter().any(|tested| tested.split('.').next() == Some(name.as_str()))
        });
        let Some(path) = path(node) else { return };
        let is_absent = field.is_some_and(|field| field.optional) && !self.tested.contains(&path);
        if !is_absent && absent_root.is_none() {
            return;
        }
        // Once is enough, even if it is looked at often.
        self.tested.insert(path.clone());
        let message = format!("`{path}` may be absent, and then the expression cannot be told");
        self.findings
            .push(Finding::warning("unguarded-field", span, message).help(format!("write `has({path}) && …`")));
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
                if let Some(field) = literal_text(name) {
                    self.field(&operand, field, self.sites.token(node));
                }
                Shape::Any
            }
            (operators::ADD | operators::SUBSTRACT, [left, right]) => {
                let (left, right) = (self.shape(left), self.shape(right));
                match (left, right, call.func_name == operators::ADD) {
                    (Shape::Time, Shape::Time, false) => Shape::Length,
                    (Shape::Time, Shape::Length, _) | (Shape::Length, Shape::Time, true) => Shape::Time,
                    (left, right, _) => common(vec![left, right]),
                }
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

    /// Something that has to be true or false.
    fn condition(&mut self, node: &IdedExpr) {
        let shape = self.shape(node);
        if !matches!(shape, Shape::Bool | Shape::Any) {
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
        if let (true, Shape::Word(words), _) | (true, _, Shape::Word(words)) = (ordered, &one, &other) {
            let message = "words are ordered by their letters, not by what they mean".to_owned();
            let help = format!(
                "list the words that you mean: `… in [{}]`",
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
            );
            self.error("ordered-by-letters", self.sites.token(node), message).helps.push(help);
        }
    }

    fn mismatch(&mut self, node: &IdedExpr, one: &Shape, other: &Shape) {
        let message = format!("{} is compared with {}", one.name(), other.name());
        let help = match (one, other) {
            (Shape::Null, _) | (_, Shape::Null) => Some("what is absent is not `null`: ask with `has(…)`"),
            (Shape::Time, Shape::Text) | (Shape::Text, Shape::Time) => {
                Some("write a time as `timestamp(\"2026-11-24T20:00:00Z\")`")
            }
            (Shape::Length, Shape::Text) | (Shape::Text, Shape::Length) => {
                Some("write a length of time as `duration(\"90m\")`")
            }
            _ => None,
        };
        let finding = self.error("wrong-comparison", self.sites.token(node), message);
        finding.helps.extend(help.map(str::to_owned));
    }

    /// A literal that is compared with one of a few words has to be one of them; one that is compared with the id of a
    /// person has to be in the normal form.
    fn word(&mut self, shape: &Shape, literal: &IdedExpr) {
        if let (Shape::Person, Some(text)) = (shape, literal_text(literal)) {
            return self.person(text, literal);
        }
        let (Shape::Word(words), Some(word)) = (shape, literal_text(literal)) else { return };
        if words.iter().any(|known| known == word) {
            return;
        }
        let span = self.sites.token(literal);
        let finding = Finding::error("unknown-value", span, format!("`{word}` is never the value of this"));
        let known = words.iter().map(String::as_str);
        let finding = finding.note(format!("it is one of {}", listed(known.clone())));
        self.findings.push(match crate::model::closest(word, known) {
            Some(close) => finding.help(format!("did you mean `{close}`?")),
            None => finding,
        });
    }

    fn person(&mut self, text: &str, literal: &IdedExpr) {
        let finding = match PersonId::new(text) {
            Ok(id) if id.normal() == text => return,
            Ok(id) => {
                let note = "the ids of people are compared in their normal form: trimmed, and without regard to case";
                let finding = Finding::error(
                    "unknown-value",
                    self.sites.token(literal),
                    format!("`{text}` is never the value of this"),
                );
                finding.note(note.to_owned()).help(format!("write `{}`", id.normal()))
            }
            Err(wrong) => Finding::error("unknown-value", self.sites.token(literal), wrong.to_string()),
        };
        self.findings.push(finding);
    }

    fn search(&mut self, node: &IdedExpr, left: &IdedExpr, right: &IdedExpr) {
        let (sought, container) = (self.shape(left), self.shape(right));
        match &container {
            Shape::Any | Shape::Map(_) | Shape::Object(_) => {}
            Shape::List(item) => {
                if !sought.is_comparable(item) {
                    self.mismatch(node, &sought, item);
                }
                self.word(item, left);
                if let Expr::List(list) = &right.expr {
                    for element in &list.elements {
                        self.word(&sought, element);
                    }
                }
            }
            other => {
                let message = format!("`in` looks into a list or an object, and this is {}", other.name());
                let finding = self.error("wrong-comparison", self.sites.token(node), message);
                if matches!(other, Shape::Text | Shape::Word(_) | Shape::Person) {
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
        if !matches!(shape, Shape::Map(_)) {
            self.guarded(node, operand, field.as_ref(), span);
        }
        field.map_or(Shape::Any, |field| field.shape)
    }

    fn function(&mut self, node: &IdedExpr, call: &CallExpr) -> Shape {
        let name = call.func_name.strip_prefix('.').unwrap_or(&call.func_name);
        let span = self.sites.function(node, name);
        // A macro that is still a call was written wrongly, and its arguments would be misunderstood.
        if !functions::MACROS.iter().any(|(known, _)| *known == name) {
            call.args.iter().for_each(|argument| drop(self.shape(argument)));
        }
        let Some(target) = &call.target else {
            if let Some(gives) = functions::global(name) {
                self.constant(name, call, span);
                return if name == "dyn" { Shape::Any } else { gives };
            }
            let other = functions::member(name).map(|_| format!("write `value.{name}(…)`"));
            return self.unknown_function(name, span, other, functions::GLOBAL.iter().map(|(name, _)| *name));
        };
        if let Expr::Ident(space) = &target.expr
            && let Some(gives) = functions::global(&format!("{space}.{name}"))
        {
            return gives;
        }
        let receiver = self.shape(target);
        let Some(gives) = functions::member(name) else {
            let other = functions::global(name).map(|_| format!("write `{name}(…)`"));
            return self.unknown_function(name, span, other, functions::MEMBER.iter().map(|(name, _)| *name));
        };
        let fits = match name {
            "contains" | "startsWith" | "endsWith" | "matches" => {
                matches!(receiver, Shape::Text | Shape::Word(_) | Shape::Person)
            }
            "size" => {
                matches!(
                    receiver,
                    Shape::Text | Shape::Word(_) | Shape::Person | Shape::List(_) | Shape::Map(_) | Shape::Object(_)
                )
            }
            _ if name.starts_with("get") => matches!(receiver, Shape::Time | Shape::Length),
            _ => true,
        };
        if !fits && receiver != Shape::Any {
            self.error("wrong-comparison", span, format!("`{name}` cannot be asked of {}", receiver.name()));
        } else {
            self.constant(name, call, span);
        }
        gives
    }

    fn unknown_function(
        &mut self,
        name: &str,
        span: Range<usize>,
        other: Option<String>,
        known: impl Iterator<Item = &'static str>,
    ) -> Shape {
        let finding =
            Finding::error("unknown-function", span, format!("there is no function `{name}` to call like this"));
        let form =
            functions::MACROS.iter().find(|(known, _)| *known == name).map(|(_, form)| format!("write `{form}`"));
        self.findings.push(match form.or(other) {
            Some(help) => finding.help(help),
            None => {
                let close = crate::model::closest(name, known.chain(functions::MACROS.iter().map(|(name, _)| *name)));
                match close {
                    Some(close) => finding.help(format!("did you mean `{close}`?")),
                    None => finding,
                }
            }
        });
        Shape::Any
    }

    /// A time, a length of time, a time zone or a pattern that is written down can be wrong before anything is known.
    fn constant(&mut self, name: &str, call: &CallExpr, span: Range<usize>) {
        let Some(literal) = call.args.last().and_then(literal_text) else { return };
        let trial = match (name, &call.target) {
            ("timestamp" | "duration", None) => format!("{name}({literal:?})"),
            ("matches", _) => format!("''.matches({literal:?})"),
            (getter, Some(_)) if getter.starts_with("get") => format!("timestamp(0).{getter}({literal:?})"),
            _ => return,
        };
        let Ok(tree) = functions::environment().parser().parse(&trial) else { return };
        let context = cel::Context::with_env(Arc::clone(functions::environment()));
        if cel::Value::resolve_val(&tree, &context).is_err() {
            let span = call.args.last().map_or(span, |argument| self.sites.token(argument));
            let what = match name {
                "timestamp" => "a time in RFC 3339, for example `2026-11-24T20:00:00Z`",
                "duration" => "a length of time, for example `1h30m`",
                "matches" => "a regular expression",
                _ => "a time zone, for example `Europe/Berlin`",
            };
            self.error("invalid-expression", span, format!("`{literal}` is not {what}"));
        }
    }

    fn comprehension(&mut self, node: &IdedExpr, loops: &ComprehensionExpr) -> Shape {
        let range = self.shape(&loops.iter_range);
        let item = match &range {
            Shape::List(item) => Shape::clone(item),
            Shape::Map(_) | Shape::Object(_) => Shape::Text,
            Shape::Any => Shape::Any,
            other => {
                let message = format!("{} cannot be looped over", other.name());
                self.error("wrong-comparison", self.sites.token(node), message);
                Shape::Any
            }
        };
        self.scope.push((loops.iter_var.clone(), item.clone()));
        let step = self.step(&loops.loop_step);
        self.scope.pop();
        match &loops.accu_init.expr {
            Expr::List(_) => Shape::List(Arc::new(step.unwrap_or(Shape::Any))),
            _ => Shape::Bool,
        }
    }

    /// The body of a loop; what it adds to the list, if it adds to one.
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

/// The shape that all have, if they all have one.
fn common(shapes: Vec<Shape>) -> Shape {
    let mut shapes = shapes.into_iter();
    let first = shapes.next().unwrap_or(Shape::Any);
    if shapes.all(|shape| shape == first) { first } else { Shape::Any }
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
