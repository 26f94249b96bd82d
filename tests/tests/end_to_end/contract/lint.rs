//! What the text must not use, because a language that people write plugins in stumbles over it. `wit/README.md` says why
//! for each rule.

use wit_parser::{Function, InterfaceId, Resolve, Type, TypeDefKind, TypeId};

use crate::contract::text::Contract;

/// Words that are keywords in C, C++, Go, JavaScript, Python or Rust, so no field or parameter is called by them.
const KEYWORDS: &[&str] = &[
    "abstract",
    "alignas",
    "alignof",
    "and",
    "as",
    "asm",
    "assert",
    "async",
    "auto",
    "await",
    "become",
    "bool",
    "box",
    "break",
    "case",
    "catch",
    "chan",
    "char",
    "class",
    "compl",
    "concept",
    "const",
    "constexpr",
    "continue",
    "crate",
    "debugger",
    "decltype",
    "def",
    "default",
    "defer",
    "del",
    "delete",
    "do",
    "double",
    "dyn",
    "elif",
    "else",
    "enum",
    "except",
    "explicit",
    "export",
    "extern",
    "fallthrough",
    "false",
    "final",
    "finally",
    "float",
    "fn",
    "for",
    "friend",
    "from",
    "func",
    "function",
    "global",
    "go",
    "goto",
    "if",
    "impl",
    "implements",
    "import",
    "in",
    "inline",
    "instanceof",
    "int",
    "is",
    "lambda",
    "let",
    "long",
    "loop",
    "macro",
    "map",
    "match",
    "mod",
    "move",
    "mut",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "nonlocal",
    "not",
    "null",
    "nullptr",
    "operator",
    "or",
    "override",
    "package",
    "pass",
    "priv",
    "private",
    "protected",
    "pub",
    "public",
    "raise",
    "range",
    "ref",
    "register",
    "requires",
    "restrict",
    "return",
    "select",
    "self",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "super",
    "switch",
    "template",
    "this",
    "throw",
    "trait",
    "true",
    "try",
    "type",
    "typedef",
    "typeof",
    "union",
    "unsafe",
    "unsigned",
    "unsized",
    "use",
    "using",
    "var",
    "virtual",
    "void",
    "volatile",
    "where",
    "while",
    "with",
    "xor",
    "yield",
];

/// Where a whole number of 64 bits may stand: moments, lengths of time and money in `types`, and sizes in bytes in the
/// interfaces of abilities.
const WIDE: &[&str] = &[
    "types.timestamp",
    "types.duration",
    "types.money.amount",
    "directory.entry.size",
    "directory.directory-error.too-large",
    "http.http-error.timed-out",
    "http.http-error.too-large",
    "key-value.key-value-error.quota-exceeded",
];

/// Where a tuple may stand: the headers of HTTP.
const TUPLES: &[&str] = &["http.request.headers", "http.response.headers"];

/// How many records and variants may be nested below an answer.
const DEEPEST: usize = 5;

/// What the exported functions answer with.
const ANSWERS: &[&str] = &["policy.answer", "check.report", "rollouts.rollout", "strategy.action", "plugin.readiness"];

/// Every breach of a rule, with its place.
fn breaches(contract: &Contract) -> Vec<String> {
    let resolve = contract.resolve();
    let mut lint = Lint { resolve: &resolve, breaches: Vec::new() };
    for (id, interface) in resolve.interfaces.iter() {
        let Some(place) = interface.name.as_deref() else { continue };
        for (name, &ty) in &interface.types {
            lint.definition(&format!("{place}.{name}"), id, ty);
        }
        for (name, function) in &interface.functions {
            lint.function(&format!("{place}.{name}"), function);
        }
    }
    lint.breaches
}

struct Lint<'a> {
    resolve: &'a Resolve,
    breaches: Vec<String>,
}

impl Lint<'_> {
    fn note(&mut self, place: &str, what: &str) {
        self.breaches.push(format!("{place}: {what}"));
    }

    fn kind(&self, id: TypeId) -> TypeDefKind {
        self.resolve.types.get(id).map(|definition| definition.kind.clone()).unwrap()
    }

    fn named(&mut self, place: &str, name: &str) {
        if KEYWORDS.contains(&name) {
            self.note(place, "it is a keyword of a language");
        }
    }

    fn definition(&mut self, place: &str, interface: InterfaceId, id: TypeId) {
        match self.kind(id) {
            TypeDefKind::Record(record) => {
                for field in &record.fields {
                    let place = format!("{place}.{}", field.name);
                    self.named(&place, &field.name);
                    self.used(&place, field.ty);
                }
            }
            TypeDefKind::Variant(variant) => {
                for case in &variant.cases {
                    let place = format!("{place}.{}", case.name);
                    if case.name == "tag" {
                        self.note(&place, "a case called `tag` does not compile in Go");
                    }
                    let (kind, _) = place.rsplit_once('.').unwrap();
                    let clash = format!("{}-{}", kind.rsplit('.').next().unwrap(), case.name);
                    let types = &self.resolve.interfaces[interface].types;
                    if types.contains_key(&clash) {
                        self.note(&place, &format!("with the type `{clash}` it does not compile in Go"));
                    }
                    if let Some(ty) = case.ty {
                        self.used(&place, ty);
                    }
                }
            }
            TypeDefKind::Flags(_) => self.note(place, "flags are not used"),
            TypeDefKind::Type(ty) => self.used(place, ty),
            _ => {}
        }
        if ANSWERS.contains(&place) {
            let depth = self.depth(Type::Id(id)) - 1;
            if depth > DEEPEST {
                self.note(place, &format!("{depth} types are nested below it, and {DEEPEST} may be"));
            }
        }
    }

    fn function(&mut self, place: &str, function: &Function) {
        for param in &function.params {
            if param.name != "self" {
                self.named(&format!("{place}({})", param.name), &param.name);
            }
            self.used(place, param.ty);
        }
        if let Some(result) = function.result {
            self.used(place, result);
        }
    }

    /// A type where it is used.
    fn used(&mut self, place: &str, ty: Type) {
        match ty {
            Type::S64 | Type::U64 if !WIDE.contains(&place) => {
                self.note(place, "64 bits are a BigInt in JavaScript: they are for moments, lengths of time and money");
            }
            Type::Char => self.note(place, "a character is a text"),
            Type::Id(id) if self.resolve.types.get(id).is_some_and(|definition| definition.name.is_none()) => {
                self.anonymous(place, &self.kind(id));
            }
            _ => {}
        }
    }

    fn anonymous(&mut self, place: &str, kind: &TypeDefKind) {
        match kind {
            TypeDefKind::Option(inner) => {
                match self.anonymous_kind(*inner) {
                    Some(TypeDefKind::Option(_)) => self.note(place, "an option in an option"),
                    Some(TypeDefKind::List(_)) if !place.starts_with("http.") && !place.starts_with("key-value.") => {
                        self.note(place, "an optional list has two empties: an empty list means none");
                    }
                    _ => {}
                }
                self.used(place, *inner);
            }
            TypeDefKind::List(inner) => {
                if let Some(TypeDefKind::Result(_)) = self.anonymous_kind(*inner) {
                    self.note(place, "a result in a list");
                }
                self.used(place, *inner);
            }
            TypeDefKind::Result(result) => {
                for ty in [result.ok, result.err].into_iter().flatten() {
                    self.used(place, ty);
                }
            }
            TypeDefKind::Tuple(_) if TUPLES.contains(&place) => {}
            TypeDefKind::Tuple(_) => self.note(place, "a tuple: use `attribute`, or a record"),
            TypeDefKind::Map(..) => self.note(place, "a map: use a list of `attribute`"),
            TypeDefKind::Future(_) | TypeDefKind::Stream(_) => {
                self.note(place, "calls are short: no future, no stream")
            }
            _ => {}
        }
    }

    fn anonymous_kind(&self, ty: Type) -> Option<TypeDefKind> {
        let Type::Id(id) = ty else { return None };
        let definition = self.resolve.types.get(id)?;
        definition.name.is_none().then(|| definition.kind.clone())
    }

    /// How many records and variants are nested in a type, with itself.
    fn depth(&self, ty: Type) -> usize {
        let Type::Id(id) = ty else { return 0 };
        let deepest = |types: Vec<Type>| types.into_iter().map(|ty| self.depth(ty)).max().unwrap_or(0);
        match self.kind(id) {
            TypeDefKind::Record(record) => 1 + deepest(record.fields.iter().map(|field| field.ty).collect()),
            TypeDefKind::Variant(variant) => 1 + deepest(variant.cases.iter().filter_map(|case| case.ty).collect()),
            TypeDefKind::Option(ty) | TypeDefKind::List(ty) | TypeDefKind::Type(ty) => self.depth(ty),
            _ => 0,
        }
    }
}

#[test]
fn the_text_has_nothing_that_a_language_stumbles_over() {
    assert_eq!(breaches(&Contract::today()), Vec::<String>::new());
}

/// What is found after one change of one package.
fn found(package: &str, from: &str, to: &str) -> Vec<String> {
    breaches(&Contract::today().with(package, from, to))
}

#[test]
fn each_mistake_is_found() {
    let field = "  record defect {\n";
    let with = |line: &str| found("types", field, &format!("{field}    /// X.\n    {line},\n"));
    for (line, breach) in [
        ("return: string", "types.defect.return: it is a keyword of a language"),
        (
            "count: u64",
            "types.defect.count: 64 bits are a BigInt in JavaScript: they are for moments, lengths of time and money",
        ),
        ("both: tuple<string, string>", "types.defect.both: a tuple: use `attribute`, or a record"),
        ("maybe: option<option<string>>", "types.defect.maybe: an option in an option"),
        (
            "names: option<list<string>>",
            "types.defect.names: an optional list has two empties: an empty list means none",
        ),
        ("outcomes: list<result<string>>", "types.defect.outcomes: a result in a list"),
        ("letter: char", "types.defect.letter: a character is a text"),
        ("later: future<string>", "types.defect.later: calls are short: no future, no stream"),
        ("names: map<string, string>", "types.defect.names: a map: use a list of `attribute`"),
    ] {
        assert_eq!(with(line), [breach], "{line}");
    }
}
