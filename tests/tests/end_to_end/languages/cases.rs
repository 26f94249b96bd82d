//! The snapshots that the policies are asked about, and what was worked out for each.

use lockgate_domain::Snapshot;
use serde_json::{Value, json};

/// Asks for 0, 1, 2 and 3 release managers, whose approvals are good for 30 days.
pub(crate) fn settings() -> Value {
    let approvals = json!({"low": 0, "medium": 1, "high": 2, "critical": 3});
    json!({"approvals": approvals, "role": "release-manager", "max-age-days": 30})
}

/// Settings in which something is left out, or unusual.
pub(crate) fn other_settings() -> [Value; 3] {
    [
        json!({"approvals": {"low": 0, "medium": 1, "high": 2}}),
        json!({"approvals": {"low": 1, "medium": 2, "high": 2, "critical": null}, "role": null, "max-age-days": 1}),
        json!({"approvals": {"low": 2, "medium": 20, "high": 20}, "role": "naïve \"role\" \\ \u{65e5}\u{672c}\u{20731}"}),
    ]
}

/// Settings with every mistake of shape that there can be, and settings that contradict themselves.
pub(crate) fn bad_settings() -> [Value; 2] {
    [
        json!({
            "approvals": {"low": 1.5, "high": 21, "critical": [], "very~high/": 1},
            "role": "",
            "rôle": "x",
            "max-age-days": 0,
        }),
        json!({"approvals": {"low": 3, "medium": 2, "high": 1}}),
    ]
}

/// Settings with texts that people cannot read, and with values that have to be named in a message.
pub(crate) fn unclear_settings() -> Vec<Value> {
    let roles = [
        " x",
        "x\u{3000}",
        " \u{200b}",
        "a\nb",
        "a\u{2028}b",
        "a\u{feff}",
        "a\u{200f}",
        "a\u{1b}[1m",
        "\0",
        "a\u{85}\u{202e}",
        "\u{e0041}",
    ];
    let values = [
        json!("x".repeat(61)),
        json!("ü".repeat(60)),
        json!(-1),
        json!(1e300),
        json!(0.25),
        json!(true),
        json!(null),
        json!([1]),
        json!({"a": 1}),
    ];
    let others = [
        json!(null),
        json!([{}]),
        json!({"approvals": null}),
        json!({"\u{20731}": "\u{7}", "\u{fb01}\u{202e}": [{"b": ["\u{7f}", 1]}], "\"\\": "\"\\\u{8}\u{c}\r\t/"}),
    ];
    let role = |role: &str| json!({"approvals": {"low": 0, "medium": 1, "high": 1}, "role": role});
    let value = |value: Value| json!({"approvals": {"low": value, "high": "a\u{1}"}, "max-age-days": value});
    roles.into_iter().map(role).chain(values.into_iter().map(value)).chain(others).collect()
}

/// What somebody answered.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    person: String,
    role: &'static str,
    answer: &'static str,
    at: String,
    expires: Option<&'static str>,
    subject: char,
    comment: Option<&'static str>,
}

impl Told {
    /// Approved as release manager, an hour ago, what is deployed.
    pub(crate) fn approves(person: &str) -> Self {
        let (role, answer) = ("release-manager", "approved");
        let at = "2026-11-24T11:00:00Z".to_owned();
        Self { person: person.to_owned(), role, answer, at, expires: None, subject: '5', comment: None }
    }

    pub(crate) fn rejects(person: &str) -> Self {
        Self { answer: "rejected", ..Self::approves(person) }
    }

    pub(crate) fn saying(self, comment: &'static str) -> Self {
        Self { comment: Some(comment), ..self }
    }

    /// On a day of October or November, at noon.
    pub(crate) fn days_ago(self, days: u32) -> Self {
        let (month, day) = if days < 24 { (11, 24 - days) } else { (10, 55 - days) };
        Self { at: format!("2026-{month}-{day:02}T12:00:00Z"), ..self }
    }

    fn a_moment_ago(self, milliseconds: u32) -> Self {
        Self { at: format!("2026-11-24T11:59:59.{:03}Z", 1000 - milliseconds), ..self }
    }

    fn expiring(self, expires: &'static str) -> Self {
        Self { expires: Some(expires), ..self }
    }

    fn about_something_else(self) -> Self {
        Self { subject: '6', ..self }
    }

    fn in_role(self, role: &'static str) -> Self {
        Self { role, ..self }
    }

    fn json(&self, index: usize) -> Value {
        json!({
            "id": format!("a-{index}"),
            "person": {"id": self.person, "roles": [self.role]},
            "role": self.role,
            "answer": self.answer,
            "at": self.at,
            "expires": self.expires,
            "subject": digest(self.subject),
            "comment": self.comment,
        })
    }
}

/// A snapshot, and what the policy answers.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) expected: String,
    scenario: &'static str,
    category: &'static str,
    risk: &'static str,
    answers: Vec<Told>,
    contributors: Vec<&'static str>,
}

impl Case {
    /// A normal change of a release that replaces another, asked for by `rita`.
    pub(crate) fn new(name: &str, risk: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            expected: String::new(),
            scenario: "new-version",
            category: "normal",
            risk,
            answers: Vec::new(),
            contributors: Vec::new(),
        }
    }

    pub(crate) fn answers(self, answers: impl IntoIterator<Item = Told>) -> Self {
        Self { answers: answers.into_iter().collect(), ..self }
    }

    fn in_an_emergency(self) -> Self {
        Self { category: "emergency", ..self }
    }

    fn contributed_by<const N: usize>(self, contributors: [&'static str; N]) -> Self {
        Self { contributors: contributors.to_vec(), ..self }
    }

    fn gives(self, expected: &str) -> Self {
        Self { expected: expected.to_owned(), ..self }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let person = |id: &&str| json!({"id": id, "roles": ["developer"]});
        let answers = self.answers.iter().enumerate().map(|(index, told)| told.json(index)).collect::<Vec<_>>();
        let snapshot = json!({
            "id": "d-1",
            "scenario": self.scenario,
            "requester": person(&"rita"),
            "contributors": self.contributors.iter().map(person).collect::<Vec<_>>(),
            "product": {"id": "shop", "name": "Shop"},
            "release": {"id": "shop-2", "name": "Shop", "version": "2.0.0", "status": "published", "components": []},
            "environment": {"name": "live", "kind": "live", "purpose": "production", "control": "full"},
            "change": {
                "id": "CHG-ü1", "title": "Shop 2", "description": "", "category": self.category,
                "approval": "approved", "risk": self.risk, "releases": ["shop-2"],
            },
            "approvals": answers,
            "gate": {"stage": "plan-and-approve", "phase": "exit"},
            "now": "2026-11-24T12:00:00Z",
            "subject": digest('5'),
        });
        serde_json::from_value(without_nothing(snapshot)).unwrap()
    }
}

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// The document without the members that are null: what is not there is left out.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nothing(member)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nothing).collect(),
        other => other,
    }
}

/// Every branch of the policy, worked out by hand.
pub(crate) fn by_hand() -> Vec<Case> {
    let (ann, bob) = (|| Told::approves("ann"), || Told::approves("bob"));
    vec![
        Case { scenario: "removal", ..Case::new("a removal", "high").gives("abstain; removal-not-judged") },
        Case::new("nothing needed", "low").gives("allow; no-approval-needed"),
        Case::new("none of one", "medium").gives("require 1, not of rita"),
        Case::new("one of one", "medium").answers([ann()]).gives("allow; enough-approvals"),
        Case::new("one of two", "high").answers([ann()]).gives("require 1, not of ann, rita"),
        Case::new("two of two", "high").answers([ann(), bob()]).gives("allow; enough-approvals"),
        Case::new("the same person twice", "high").answers([ann(), ann()]).gives("require 1, not of ann, rita"),
        Case::new("more than needed", "medium").answers([bob(), ann()]).gives("allow; enough-approvals"),
        Case::new("of the requester", "medium").answers([Told::approves("rita")]).gives("require 1, not of rita"),
        Case::new("of a contributor", "medium")
            .contributed_by(["carl", "rita"])
            .answers([Told::approves("carl"), ann()])
            .gives("allow; enough-approvals"),
        Case::new("without the contributors", "high")
            .contributed_by(["zoe", "carl"])
            .answers([bob()])
            .gives("require 1, not of bob, carl, rita, zoe"),
        Case::new("people beyond the basic plane", "high")
            .contributed_by(["\u{20731}", "\u{4e00}", "é", "z"])
            .gives("require 2, not of rita, z, é, \u{4e00}, \u{20731}"),
        Case::new("of something else", "medium")
            .answers([ann().about_something_else()])
            .gives("require 1, not of rita; approval-of-something-else"),
        Case::new("expired this moment", "medium")
            .answers([ann().expiring("2026-11-24T12:00:00Z")])
            .gives("require 1, not of rita; approval-expired"),
        Case::new("expires in a moment", "medium")
            .answers([ann().expiring("2026-11-24T12:00:00.001Z")])
            .gives("allow; enough-approvals"),
        Case::new("thirty days old", "medium").answers([ann().days_ago(30)]).gives("allow; enough-approvals"),
        Case::new("thirty-one days old", "medium")
            .answers([ann().days_ago(31)])
            .gives("require 1, not of rita; approval-too-old"),
        Case::new("in another role", "medium")
            .answers([ann().in_role("developer")])
            .gives("require 1, not of rita; approval-in-another-role"),
        Case::new("a rejection", "low").answers([Told::rejects("bob")]).gives("deny: bob"),
        Case::new("a rejection beside approvals", "medium")
            .answers([ann(), Told::rejects("bob").in_role("developer"), Told::rejects("rita").saying("no“”")])
            .gives("deny: bob"),
        Case::new("a rejection of something else", "medium")
            .answers([ann(), Told::rejects("bob").about_something_else()])
            .gives("allow; enough-approvals"),
        Case::new("a rejection that expired", "medium")
            .answers([ann(), Told::rejects("bob").expiring("2026-11-24T11:00:00Z")])
            .gives("allow; enough-approvals"),
        Case::new("a rejection does not grow old", "low")
            .answers([Told::rejects("bob").days_ago(40)])
            .gives("deny: bob"),
        Case::new("whoever rejected came round", "medium")
            .answers([Told::rejects("ann").days_ago(1), ann()])
            .gives("allow; enough-approvals"),
        Case::new("came round in the same moment", "medium")
            .answers([ann().a_moment_ago(2), Told::rejects("ann").a_moment_ago(2)])
            .gives("deny: ann"),
        Case::new("came round a millisecond later", "medium")
            .answers([ann().a_moment_ago(1), Told::rejects("ann").a_moment_ago(2)])
            .gives("allow; enough-approvals"),
        Case::new("took it back", "medium")
            .answers([ann().days_ago(1), Told::rejects("ann"), bob().in_role("developer")])
            .gives("deny: ann; approval-in-another-role"),
        Case::new("an emergency that would need nobody", "low").in_an_emergency().gives("require 1, not of rita"),
        Case::new("an emergency that needs one anyway", "medium")
            .in_an_emergency()
            .answers([ann()])
            .gives("allow; enough-approvals; review-afterwards {\"change\":\"CHG-ü1\",\"waived\":0}"),
        Case::new("an emergency", "critical")
            .in_an_emergency()
            .answers([ann(), bob()])
            .gives("allow; enough-approvals; review-afterwards {\"change\":\"CHG-ü1\",\"waived\":1}"),
    ]
}

/// Each risk in each category, with none to four approvals.
fn generated() -> Vec<Case> {
    let mut cases = Vec::new();
    for (needed, risk) in ["low", "medium", "high", "critical"].into_iter().enumerate() {
        for category in ["emergency", "normal", "standard"] {
            for given in 0..=4 {
                let people = ["p-1", "p-2", "p-3", "p-4"].into_iter().take(given);
                let needed = if category == "emergency" { needed.saturating_sub(1).max(1) } else { needed };
                let expected = match (given, category) {
                    _ if given < needed => {
                        let excluded: Vec<&str> = people.clone().chain(["rita"]).collect();
                        format!("require {}, not of {}", needed - given, excluded.join(", "))
                    }
                    (_, "emergency") => {
                        let waived = u32::from(risk == "high" || risk == "critical");
                        format!(
                            "allow; enough-approvals; review-afterwards {{\"change\":\"CHG-ü1\",\"waived\":{waived}}}"
                        )
                    }
                    _ if needed == 0 => "allow; no-approval-needed".to_owned(),
                    _ => "allow; enough-approvals".to_owned(),
                };
                let name = format!("{given} approvals of a {category} change of {risk} risk");
                let case = Case::new(&name, risk).answers(people.map(Told::approves)).gives(&expected);
                cases.push(Case { category, ..case });
            }
        }
    }
    cases
}

pub(crate) fn all() -> Vec<Case> {
    by_hand().into_iter().chain(generated()).collect()
}
