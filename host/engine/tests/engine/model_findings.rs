//! Every mistake that reading a model can find, with its place.
use std::collections::BTreeSet;

use lockgate_domain::AttestRules;
use lockgate_engine::model::{FindingSeverity, ModelFindings, Source, attesters_without_rule, check};

const MODELS_MD: &str = include_str!("../../../../docs/models.md");

/// The example of the documentation.
fn example() -> String {
    let start = MODELS_MD.find("```toml\n").unwrap() + "```toml\n".len();
    let end = start + MODELS_MD[start..].find("```").unwrap();
    MODELS_MD[start..end].to_owned()
}

fn findings(text: &str) -> ModelFindings {
    match check(&Source::new("model.toml", text)) {
        Ok(read) => read.warnings,
        Err(findings) => findings,
    }
}

/// A small model without mistakes. `%` in a case below stands for the lines that are added to it.
const HEAD: &str = "id = \"m\"\nversion = \"1.0.0\"\ntitle = \"t\"\nunguarded = \"allow\"\n";
const PLUGIN: &str = "[plugins.p]\ncomponent = \"p.wasm\"\n";
const GATE: &str = "[[gates]]\nstage = \"fulfill\"\nphase = \"exit\"\n";
const BINDING: &str = "[[gates.bindings]]\nid = \"b\"\nplugin = \"p\"\nenforcement = \"hard-mandatory\"\n";

fn whole(head: &str, tail: &str) -> String {
    format!("{HEAD}{head}{PLUGIN}{GATE}{BINDING}{tail}")
}

/// Of the text: the one finding's code, and the line and column of what is between `«` and `»`.
#[track_caller]
fn assert_finds(marked: &str, code: &str) -> String {
    let start = marked.find('«').unwrap();
    let text = marked.replacen('«', "", 1);
    let end = text.find('»').unwrap();
    let text = text.replacen('»', "", 1);
    let source = Source::new("model.toml", text.as_str());
    let found = findings(&text).located(&source);
    let codes: Vec<_> = found.iter().map(|finding| (finding.code, finding.line, finding.column)).collect();
    let line = text[..start].matches('\n').count() + 1;
    let column = text[..start].chars().rev().take_while(|c| *c != '\n').count() + 1;
    assert_eq!(codes, [(code, line, column)], "{}", findings(&text).render(&source, false));
    let end_line = text[..end].matches('\n').count() + 1;
    let end_column = text[..end].chars().rev().take_while(|c| *c != '\n').count() + 1;
    assert_eq!((found[0].end_line, found[0].end_column), (end_line, end_column), "{:?}", found[0]);
    format!("{} {} {}", found[0].message, found[0].notes.join(" "), found[0].helps.join(" "))
}

#[test]
fn the_example_of_the_documentation_has_no_mistakes() {
    let source = Source::new("model.toml", example());
    let read = check(&source).unwrap_or_else(|findings| panic!("{}", findings.render(&source, false)));
    assert_eq!(read.warnings.iter().collect::<Vec<_>>(), Vec::<&lockgate_engine::model::ModelFinding>::new());
}

#[test]
fn the_small_model_has_no_mistakes() {
    assert!(findings(&whole("", "")).is_empty(), "{}", findings(&whole("", "")));
}

#[test]
fn what_is_not_toml_is_found_line_by_line() {
    let text = format!("{HEAD}rank = \n{PLUGIN}{GATE}{BINDING}when = 'a\nkind == 3\n");
    let source = Source::new("model.toml", text.as_str());
    let found = findings(&text).located(&source);
    assert!(found.iter().all(|finding| finding.code == "syntax"), "{found:#?}");
    let lines: BTreeSet<usize> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, BTreeSet::from([5, 15, 16]));
}

#[test]
fn a_key_that_cannot_be_read_is_not_said_to_be_missing_too() {
    let found = findings(&format!("id = m\nversion \"1.0.0\"\ntitle = \"t\"\n{PLUGIN}{GATE}{BINDING}"));
    assert!(found.iter().all(|finding| finding.code == "syntax"), "{found}");
    let found = findings(&format!("{HEAD}[plugins.p\ncomponent = \"p.wasm\"\n{GATE}{BINDING}"));
    assert!(found.iter().all(|finding| finding.code == "syntax"), "{found}");
}

#[test]
fn keys_that_are_unknown_or_missing_are_found() {
    let text = assert_finds(&whole("«ranks» = 3\n", ""), "unknown-key");
    assert!(text.contains("did you mean `rank`?"), "{text}");
    let text = assert_finds(&whole("", "«colour» = 3\n"), "unknown-key");
    assert!(text.contains("`enforcement`"), "the keys that would be right are listed: {text}");
    assert_finds(&format!("«»id = \"m\"\nversion = \"1.0.0\"\n{PLUGIN}{GATE}{BINDING}"), "missing-key");
    let text = assert_finds(&format!("{HEAD}«[plugins.p]»\n{GATE}{BINDING}"), "missing-key");
    assert!(text.starts_with("`component` is missing"), "{text}");
    let text =
        assert_finds(&format!("{HEAD}{PLUGIN}{GATE}«[[gates.bindings]]»\nid = \"b\"\nplugin = \"p\"\n"), "missing-key");
    assert!(text.contains("add `enforcement = \"hard-mandatory\"`"), "{text}");
}

#[test]
fn values_of_the_wrong_type_are_found() {
    let text = assert_finds(&whole("rank = «\"high\"»\n", ""), "wrong-type");
    assert!(text.starts_with("`rank` is a text, and has to be a whole number"), "{text}");
    assert_finds(&whole("rank = «1.5»\n", ""), "wrong-type");
    assert_finds(&whole("environments = «\"live\"»\n", ""), "wrong-type");
    assert_finds(&whole("environments = [\"live\", «3»]\n", ""), "wrong-type");
    assert_finds(&whole("strategy = «1979-05-27»\n", ""), "wrong-type");
    assert_finds(&whole("", "settings = «[]»\n"), "wrong-type");
    assert_finds(&whole("", "grants = { log = «\"yes\"» }\n"), "wrong-type");
    assert_finds(&whole("", "limits = { memory = «true» }\n"), "wrong-type");
    let text = assert_finds(&whole("", "when = «true»\n"), "wrong-type");
    assert!(text.contains("write the expression as a text: `when = \"true\"`"), "{text}");
    assert_finds(&format!("{HEAD}gates = «3»\n{PLUGIN}").replace(PLUGIN, ""), "wrong-type");
}

#[test]
fn texts_that_are_not_what_they_have_to_be_are_found() {
    let model =
        |id: &str, version: &str| format!("id = {id}\nversion = {version}\ntitle = \"t\"\n{PLUGIN}{GATE}{BINDING}");
    let text = assert_finds(&model("«\"In House_Software\"»", "\"1.0.0\""), "invalid-id");
    assert!(text.contains("for example `in-house-software`"), "{text}");
    assert_finds(&model("«\"\"»", "\"1.0.0\""), "invalid-id");
    assert_finds(&model("\"m\"", "«\"1.0\"»"), "invalid-version");
    let title = |title: &str| whole("", "").replace("\"t\"", title);
    assert_finds(&title("«\" \"»"), "empty-text");
    assert_finds(&title("«\"a\\nb\"»"), "empty-text");
    assert_finds(&whole("[plugins.«P»]\ncomponent = \"q.wasm\"\n", ""), "invalid-id");
    let text = assert_finds(&whole("", "").replace("\"p.wasm\"", "«\"/p.wasm\"»"), "absolute-path");
    assert!(text.contains("relative path"), "{text}");
    let digest = |digest: &str| whole("", "").replace("\"p.wasm\"", &format!("\"p.wasm\"\ndigest = {digest}"));
    let text = assert_finds(&digest("«\"sha256:12\"»"), "invalid-digest");
    assert!(text.contains("`lockgate model pin`"), "{text}");
    assert_finds(&whole("", "limits.wall-clock = «\"soon\"»\n"), "invalid-duration");
    let text = assert_finds(&whole("", "limits.memory = «\"16 apples\"»\n"), "invalid-size");
    assert!(text.contains("`16MiB`"), "{text}");
}

#[test]
fn numbers_out_of_range_are_found() {
    assert_finds(&whole("", "limits.fuel = «0»\n"), "out-of-range");
    assert_finds(&whole("", "limits.fuel = «-5»\n"), "out-of-range");
    assert_finds(&whole("", "limits.memory = «\"0MiB\"»\n"), "out-of-range");
    assert_finds(&whole("", "limits.wall-clock = «\"0ms\"»\n"), "out-of-range");
    assert_finds(&whole("rank = «99999999999999999999»\n", ""), "out-of-range");
    assert_finds(&whole("", "settings.share = «nan»\n"), "out-of-range");
    assert_finds(&whole("", "settings.deep = [{ number = «99999999999999999999» }]\n"), "out-of-range");
}

#[test]
fn words_that_are_none_of_those_are_found() {
    let gate = |text: &str| whole("", "").replace("\"fulfill\"\nphase = \"exit\"", text);
    let text = assert_finds(&gate("«\"fullfil\"»\nphase = \"exit\""), "unknown-stage");
    assert!(text.contains("did you mean `fulfill`?"), "{text}");
    assert_finds(&gate("\"fulfill\"\nphase = «\"end\"»"), "unknown-phase");
    let text =
        assert_finds(&whole("", "").replace("\"hard-mandatory\"", "«\"hard_mandatory\"»"), "unknown-enforcement");
    assert!(text.contains("did you mean `hard-mandatory`?"), "{text}");
    assert_finds(&whole("", "kind = «\"strategy\"»\n"), "unknown-kind");
}

#[test]
fn names_that_are_not_declared_are_found() {
    let text = assert_finds(
        &format!("{HEAD}[plugins.four-eyes]\ncomponent = \"p.wasm\"\n{GATE}{BINDING}")
            .replace("\"p\"", "«\"for-eyes\"»"),
        "unknown-plugin",
    );
    assert!(text.contains("did you mean `four-eyes`?"), "{text}");
    let text =
        assert_finds(&whole("", "").replace("enforcement = \"hard-mandatory\"", "group = «\"g\"»"), "unknown-group");
    assert!(text.contains("`[[gates.groups]]` with `id = \"g\"`"), "{text}");
}

#[test]
fn what_is_there_twice_is_found_with_the_first() {
    let twice = |tail: &str| {
        let text = whole("", tail).replace(['«', '»'], "");
        findings(&text).iter().next().unwrap().related[0].span.start
    };
    let binding = "[[gates.bindings]]\nid = «\"b\"»\nplugin = \"p\"\nenforcement = \"advisory\"\n";
    assert_finds(&whole("", binding), "duplicate-id");
    assert_eq!(whole("", "").find("\"b\""), Some(twice(binding)));
    let group = "[[gates.groups]]\nid = \"b\"\nenforcement = \"advisory\"\nexpression = 'members.size() > 0'\n\
                 [[gates.bindings]]\nid = \"c\"\nplugin = \"p\"\ngroup = \"b\"\n";
    assert!(findings(&whole("", group)).iter().any(|finding| finding.code == "duplicate-id"));
    let strategy = "[[gates.bindings]]\nid = «\"strategy\"»\nplugin = \"p\"\nenforcement = \"advisory\"\n";
    assert_finds(&whole("", strategy), "reserved-id");
    assert_finds(&whole("", &GATE.replace("[[gates]]", "«[[gates]]»")), "duplicate-gate");
    assert_finds(&whole("environments = [\"test\", «\"test\"»]\n", ""), "duplicate-environment");
    assert_finds(&whole("environments = [[\"eu\", \"us\"], [«\"eu\"», \"live\"]]\n", ""), "duplicate-environment");
}

#[test]
fn groups_and_members_that_do_not_fit_together_are_found() {
    let group = |id: &str| {
        format!("[[gates.groups]]\nid = {id}\nenforcement = \"advisory\"\nexpression = 'members.size() > 0'\n")
    };
    assert_finds(&whole("", &group("«\"g\"»")), "group-without-members");
    let member = whole("", &group("\"g\"")).replace("enforcement = \"hard", "group = \"g\"\n«enforcement» = \"hard");
    assert_finds(&member, "member-with-enforcement");
}

#[test]
fn conditions_that_cannot_be_read_are_found_at_the_word() {
    for (when, help) in [
        ("'change.risk «=» \"high\"'", "write `==` to compare"),
        ("'phase == \"exit\" «and» stage == \"fulfill\"'", "write `&&`"),
        ("'phase ==«»'", "the expression ends too early"),
        ("\"phase == \\\"exit\\\" «or» true\"", "write `||`"),
        ("'''\n  phase == \"exit\"\n  «or» true'''", "write `||`"),
        ("'labels.team == «\"größe» €'", ""),
        ("'«»'", "the expression is empty"),
        ("'has(«plan»)'", "invalid argument to has() macro"),
        ("'now > timestamp(«\"tomorrow\"»)'", "a time in RFC 3339"),
        ("'now - now > duration(«\"long\"»)'", "a length of time"),
        ("'now - now > duration(«\"1h foo\"»)'", "a length of time, for example `1h30m` or `90d`"),
        ("'now - now > duration(«\"30\"»)'", "a length of time"),
        ("'semver(release.version) < semver(«\"0.10\"»)'", "a semantic version, for example `2.4.0`"),
        ("'now.getHours(«\"Europe/Berin\"») > 3'", "a time zone"),
        ("'id.matches(«\"(\"»)'", "a regular expression"),
    ] {
        let text = whole("", &format!("when = {when}\n"));
        if when.contains('€') {
            assert!(findings(&text.replace(['«', '»'], "")).has_errors());
            continue;
        }
        let said = assert_finds(&text, "invalid-expression");
        assert!(said.contains(help), "{when}: {said}");
    }
}

#[test]
fn conditions_over_what_is_not_there_are_found_at_the_name() {
    for (when, code, help) in [
        ("'«chnge».risk == \"high\"'", "unknown-variable", "did you mean `change`?"),
        ("'members.size() > 2'", "unknown-variable", "there is no variable `members`"),
        ("'change.«catgory» == \"normal\"'", "unknown-field", "did you mean `category`?"),
        ("'has(change.«windw»)'", "unknown-field", "did you mean `window`?"),
        ("'release.components.all(c, c.«nme» == \"x\")'", "unknown-field", "did you mean `name`?"),
        (
            "'has(registers.kpis) && registers.kpis.exists(k, k.metric == \"x\" && k.«latst» > 1.0)'",
            "unknown-field",
            "did you mean `latest`?",
        ),
        ("'release.components.«name» == \"x\"'", "unknown-field", "ask its items"),
        ("'has(evidence.sbom) && evidence.sbom.«mediatype» == \"x\"'", "unknown-field", "did you mean `media_type`?"),
        ("\"change[«'catgory'»] == 'normal'\"", "unknown-field", "did you mean `category`?"),
        ("'id.«beginsWith»(\"x\")'", "unknown-function", "there is no function `beginsWith`"),
        ("'id.«startWith»(\"x\")'", "unknown-function", "did you mean `startsWith`?"),
        ("'«contains»(id, \"x\")'", "unknown-function", "write `value.contains(…)`"),
        ("'history.«all»(past)'", "unknown-function", "write `list.all(x, condition)`"),
        ("'change.risk == «\"hihg\"»'", "unknown-value", "did you mean `high`?"),
        ("'«\"removed\"» == scenario'", "unknown-value", "`first-release`, `new-version`, `removal`"),
        ("'environment.kind in [\"live\", «\"prod\"»]'", "unknown-value", "`development`, `test`"),
        ("'stage == «\"observed\"»'", "unknown-value", "did you mean `observe`?"),
        ("'change.risk «>=» \"high\"'", "ordered-by-letters", "`… in [\"low\", \"medium\", \"high\", \"critical\"]`"),
        ("'release.version «<» \"0.10.0\"'", "ordered-by-letters", "`semver(release.version) < semver(\"0.10.0\")`"),
        ("'\"0.10.0\" «>=» release.version'", "ordered-by-letters", "`semver(\"0.10.0\") >= semver(release.version)`"),
        (
            "'release.components.exists(c, c.version «<=» release.version)'",
            "ordered-by-letters",
            "`semver(c.version) <= semver(release.version)`",
        ),
        (
            "'actual_instances.all(i, i.components[0].version «>» string(1))'",
            "ordered-by-letters",
            "`semver(i.components[0].version) > semver(…)`",
        ),
        ("'semver(release.version) «<» \"0.10.0\"'", "wrong-comparison", "`semver(\"2.4.0\")`"),
        ("'semver(release.version) «==» \"0.10.0\"'", "wrong-comparison", "`semver(\"2.4.0\")`"),
        ("'«semver(release.version)»'", "not-a-condition", "a semantic version"),
        ("'now «>» \"2026-01-01\"'", "wrong-comparison", "write a time as `timestamp("),
        ("'plan «==» null'", "wrong-comparison", "ask with `has(…)`"),
        ("'id «in» release.name'", "wrong-comparison", "text.contains"),
        ("'change.risk «==» 3'", "wrong-comparison", "a text is compared with a number"),
        ("'id.«getHours»() > 3'", "wrong-comparison", "`getHours` cannot be asked of a text"),
        ("'id.all«(»c, c == \"x\")'", "wrong-comparison", "a text cannot be looped over"),
        ("'«change.risk»'", "not-a-condition", "gives a text"),
        ("'«history.size()»'", "not-a-condition", "gives a number"),
        ("'change.«title» && true'", "not-a-condition", "this is a text"),
    ] {
        let text = whole("", &format!("when = {when}\n"));
        let text = if when.contains('«') { text } else { text.replace("members", "«members»") };
        let said = assert_finds(&text, code);
        assert!(said.contains(help), "{when}: {said}");
    }
}

#[test]
fn a_group_expression_sees_members_and_nothing_else() {
    let group = |expression: &str| {
        let group = format!("[[gates.groups]]\nid = \"g\"\nenforcement = \"advisory\"\nexpression = {expression}\n");
        whole("", &group)
            .replace("enforcement = \"hard-mandatory\"", "group = \"g\"")
            .replace("\"advisory\"", "\"hard-mandatory\"")
    };
    let said = assert_finds(&group("'«change».risk == \"high\"'"), "unknown-variable");
    assert!(said.contains("sees what its members say, and nothing else"), "{said}");
    let said = assert_finds(&group("'members.all(m, m.«verdict» == \"allow\")'"), "unknown-field");
    assert!(said.contains("`id`, `plugin`, `standing`"), "{said}");
    assert_finds(&group("'members.all(m, m.standing == «\"allowed\"»)'"), "unknown-value");
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    for (text, code) in [
        (whole("", "when = 'change.«window».start < now'\n"), "unguarded-field"),
        (whole("", "when = 'plan.«id» == \"p\"'\n"), "unguarded-field"),
        (whole("", "when = '«1 > 2»'\n"), "constant-condition"),
        (whole("", "when = «'change.risk == \"low\"'»\n"), "falls-with-risk"),
        (whole("applies-when = «'subject == \"x\"'»\n", ""), "circular-condition"),
        (whole("«[plugins.q]»\ncomponent = \"q.wasm\"\n", ""), "unused-plugin"),
        (whole("«[analyses.a]»\nplugin = \"p\"\n", ""), "unused-analysis"),
    ] {
        assert_finds(&text, code);
        let text = text.replace(['«', '»'], "");
        assert!(findings(&text).iter().all(|finding| finding.severity == FindingSeverity::Warning));
    }
    let found = findings(HEAD);
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["no-gates"]);
    let strict = |text: &str| text.replace("unguarded = \"allow\"\n", "");
    let codes = |text: &str| findings(text).iter().map(|finding| finding.code).collect::<Vec<_>>();
    assert_eq!(codes(&strict(HEAD)), ["unguarded-gate"]);
    let advisory = whole("", "").replace("hard-mandatory", "advisory");
    assert_eq!(codes(&advisory), [""; 0], "the model allows it");
    assert_eq!(codes(&strict(&advisory)), ["unguarded-gate", "advisory-gate"]);
    let found = findings(&strict(&whole("", "")));
    let [finding] = found.iter().collect::<Vec<_>>()[..] else { panic!("{found}") };
    assert!(
        finding.message.contains("`fulfill entrance`") && !finding.message.contains("`fulfill exit`"),
        "{finding:?}"
    );
    assert_eq!(codes(&strict(&whole("criteria = \"deploy-value-stream\"\n", ""))), [""; 0]);
    for fine in [
        "when = '!has(change.window) || change.window.start < now'\n",
        "when = 'semver(release.version) < semver(\"0.10.0\") || release.version == \"1.0\"'\n",
        "when = 'release.version.startsWith(\"0.\") && release.version in [\"0.1.0\", \"0.2.0\"]'\n",
        "when = 'has(plan.slot) && plan.slot.start < now'\n",
        "when = 'change.risk != \"low\"'\n",
        "when = 'change.risk == \"low\"'\nkind = \"validation-check\"\n",
    ] {
        assert!(findings(&whole("", fine)).is_empty(), "{fine}: {}", findings(&whole("", fine)));
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let found = findings(&format!("# {}\n", "x".repeat(1024 * 1024)));
    assert_eq!(found.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["too-large"]);
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    for text in [
        format!("{HEAD}x = {}", "[".repeat(100_000)),
        format!("{HEAD}x = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{HEAD}x = {}", "{a=".repeat(100_000)),
        format!("{HEAD}{} = 1", "a.".repeat(100_000)),
        format!("{HEAD}[{}a]", "a.".repeat(100_000)),
        whole("", &format!("settings.x = {}{}", "[".repeat(70), "]".repeat(70))),
    ] {
        let _ = findings(&text);
    }
}

#[test]
fn many_mistakes_are_counted_and_the_first_are_kept() {
    let text: String = (0..1000).map(|number| format!("key{number} = 1\n")).collect();
    let found = findings(&whole(&text, ""));
    assert_eq!((found.len(), found.iter().count(), found.left_out()), (1000, 200, 800));
    assert_eq!(found.summary(), "200 errors, 0 warnings, and 800 more that are not shown");
}

/// The codes in the first column of the documentation's last table.
fn documented() -> BTreeSet<&'static str> {
    let table = &MODELS_MD[MODELS_MD.find("| code | meaning |").unwrap()..];
    let cells =
        table.lines().skip(2).take_while(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn a_grant_that_is_none_is_found_at_its_place() {
    let with = |grant: &str| whole("", &format!("grants.{grant}\n"));
    let said = assert_finds(&with("http = [{ origin = «\"scanner.example.com\"» }]"), "invalid-grant");
    assert!(said.contains("`scanner.example.com` is not an origin"), "{said}");
    let of = |rest: &str| with(&format!("http = [{{ origin = \"https://a.example\", {rest} }}]"));
    assert_finds(&of("methods = [\"get\", «\"GET\"»]"), "invalid-grant");
    assert_finds(&of("addresses = [«\"10.0.0.0/64\"»]"), "invalid-grant");
    assert_finds(&of("redirects = «99»"), "out-of-range");
    assert_finds(&with("http = [«{ origin = \"https://a.example\", methods = [] }»]"), "invalid-grant");
    assert_finds(&with("key-value = { namespace = \"n\", access = «\"write\"» }"), "unknown-access");
    assert_finds(&with("directory.«A» = \"a\""), "invalid-id");
    for (pattern, help) in [
        ("incident", "did you mean `incidents`?"),
        ("audit_findings", "did you mean `audit-findings`?"),
        ("in{cid}ents", "did you mean `incidents`?"),
        ("acme.cost", "write `fact:acme.cost`"),
        ("cost-*", "write `fact:cost-*`"),
    ] {
        let said = assert_finds(
            &with(&format!("facts = [\"*\", \"fact:**\", \"fact:cost\", «\"{pattern}\"»]")),
            "unknown-register",
        );
        assert!(said.contains(&format!("`{pattern}` grants nothing")), "{said}");
        assert!(said.contains(help), "{said}");
    }
    assert_finds(&with("directory.a = «\"/etc\"»"), "absolute-path");
}

#[test]
fn mistakes_in_demands_are_found() {
    let fact = |text: &str| whole(&format!("[facts.change]\n{text}\n"), "");
    assert_finds(&whole("[facts.«changes»]\nfrom = \"register\"\n", ""), "unknown-key");
    let said = assert_finds(&fact("from = «\"registers\"»"), "unknown-source");
    assert!(said.contains("did you mean `register`?"), "{said}");
    assert_finds(&fact("from = \"told\"\n«max-age» = \"1d\""), "demand-of-told");
    assert_finds(&fact("from = \"register\"\nby = «[]»"), "empty-list");
    assert_finds(&fact("from = \"register\"\nby = [«\"service:\"»]"), "invalid-attester");
    let said = assert_finds(&whole("[evidence.sbom]\nby = [«\"supplier:\"»]\n", ""), "invalid-attester");
    assert!(said.contains("after `supplier:`, the id is empty"), "{said}");
    let said = assert_finds(&fact("from = \"register\"\nby = «[\"supplier:acme\"]»"), "supplier-in-register");
    assert!(said.contains("`supplier:acme` signs evidence"), "{said}");
    assert_finds(&fact("from = \"register\"\nby = [«\"chagne-authority\"»]"), "unknown-role");
    let said = assert_finds(&whole("[evidence.sbom]\nfrom-gate = «\"fulfil/exit\"»\n", ""), "unknown-gate");
    assert!(said.contains("did you mean `fulfill/exit`?"), "{said}");
    assert_finds(&whole("criteria = «\"deploy\"»\n", ""), "unknown-criteria");
    assert_finds(&whole("mode = «\"delivery\"»\n", ""), "unknown-mode");
    let text = whole("", "").replace("unguarded = \"allow\"", "unguarded = «\"alow\"»");
    assert_finds(&text, "unknown-unguarded");
}

#[test]
fn mistakes_about_stops_and_reviews_are_found() {
    let said = assert_finds(&whole("[stops]\nhotfix = «\"opne\"»\n", ""), "unknown-hotfix-lane");
    assert!(said.contains("did you mean `open`?"), "{said}");
    assert_finds(&whole("[stops]\n«hotfixes» = \"open\"\n", ""), "unknown-key");
    assert_finds(&whole("[overrides]\nreview-within = «\"3 days\"»\n", ""), "invalid-duration");
    let early = "[overrides]\nreview-within = \"3d\"\nblock-after = «\"2d\"»\n";
    let said = assert_finds(&whole(early, ""), "blocked-before-due");
    assert!(said.contains("`2d`") && said.contains("`3d`"), "{said}");
    // Without `review-within`, a review is due after a week.
    assert_finds(&whole("[overrides]\nblock-after = «\"6d\"»\n", ""), "blocked-before-due");
    assert!(findings(&whole("[stops]\nhotfix = \"closed\"\n[overrides]\nblock-after = \"7d\"\n", "")).is_empty());
}

#[test]
fn a_role_that_is_none_of_people_cannot_resume_a_rollout() {
    let with = |roles: &str| whole(&format!("[strategy]\nplugin = \"p\"\nresume-by = {roles}\n"), "");
    for role in ["pipeline", "supplier", "auditor", "administrator"] {
        let said = assert_finds(&with(&format!("[\"release-manager\", «\"{role}\"»]")), "cannot-resume");
        assert!(said.contains("`deployment-manager`"), "{said}");
    }
    assert_finds(&with("«[]»"), "cannot-resume");
}

#[test]
fn a_role_that_is_not_known_is_warned_of_wherever_a_model_names_one() {
    let strategy = |roles: &str| whole(&format!("[strategy]\nplugin = \"p\"\nresume-by = {roles}\n"), "");
    let when = |condition: &str| whole("", &format!("when = '{condition}'\n"));
    let unknown = |marked: &str| {
        let said = assert_finds(marked, "unknown-role");
        let text = marked.replace(['«', '»'], "");
        assert!(findings(&text).iter().all(|finding| finding.severity == FindingSeverity::Warning));
        said
    };
    let said = unknown(&strategy("[\"release-manager\", «\"chagne-authority\"»]"));
    assert!(said.contains("`chagne-authority` is not a role that Lockgate knows"), "{said}");
    assert!(said.contains("did you mean `change-authority`?"), "{said}");
    let said = unknown(&when("approvals.exists(a, a.role == «\"security-officer\"»)"));
    assert!(said.contains("`roles = [\"security-officer\"]`"), "{said}");
    unknown(&when("«\"deployment-manger\"» in requester.roles"));
    unknown(&when("contributors.all(c, c.roles.exists(r, r in [\"developer\", «\"tester\"»]))"));
    unknown(&whole("applies-when = 'requester.roles.exists(r, r == «\"piepline\"»)'\n", ""));
    // What the model declares is known.
    let declared = "roles = [\"security-officer\"]\n[strategy]\nplugin = \"p\"\nresume-by = [\"security-officer\"]\n";
    assert!(findings(&whole(declared, "")).is_empty(), "{}", findings(&whole(declared, "")));
    let text = whole("roles = [\"tester\"]\n", "when = 'approvals.exists(a, a.role == \"tester\")'\n");
    assert!(findings(&text).is_empty(), "{}", findings(&text));
    assert!(findings(&when("approvals.exists(a, a.role == \"operations-manager\")")).is_empty());
    assert_finds(&whole("roles = «\"tester\"»\n", ""), "wrong-type");
    assert_finds(&whole("roles = [«\" \"»]\n", ""), "empty-text");
}

#[test]
fn declaring_a_role_changes_no_digest() {
    let digest = |head: &str| check(&Source::new("m", whole(head, ""))).unwrap().model.digest().unwrap();
    assert_eq!(digest("roles = [\"tester\"]\n"), digest(""));
}

#[test]
fn the_id_of_a_person_is_compared_in_its_normal_form() {
    let with = |condition: &str| whole(&format!("applies-when = '{condition}'\n"), "");
    let said = assert_finds(&with("requester.id == «\"Ada@Example.org\"»"), "unknown-value");
    assert!(said.contains("write `ada@example.org`"), "{said}");
    assert_finds(&with("contributors.exists(c, c.id in [«\"Kim\"»])"), "unknown-value");
}

#[test]
fn every_code_is_documented_and_every_documented_code_is_tested_here() {
    let here = include_str!("model_findings.rs");
    for code in documented() {
        assert!(here.contains(&format!("\"{code}\"")), "no test asserts `{code}`");
    }
    let sources = [
        include_str!("../../src/model/attesters.rs"),
        include_str!("../../src/model/check.rs"),
        include_str!("../../src/model/roles.rs"),
        include_str!("../../src/model/read/mod.rs"),
        include_str!("../../src/model/read/demands.rs"),
        include_str!("../../src/model/read/field.rs"),
        include_str!("../../src/model/read/gate.rs"),
        include_str!("../../src/model/read/grants.rs"),
        include_str!("../../src/model/read/plugin.rs"),
        include_str!("../../src/model/read/stops.rs"),
        include_str!("../../src/model/read/syntax.rs"),
        include_str!("../../src/expression/parse.rs"),
        include_str!("../../src/expression/infer.rs"),
        include_str!("../../src/expression/infer/constant.rs"),
        include_str!("../../src/expression/infer/guard.rs"),
    ];
    let mut used = BTreeSet::new();
    for source in sources {
        for start in ["Finding::error(", "Finding::warning(", "self.error(", "self.word(&field, "] {
            for (index, _) in source.match_indices(start) {
                let rest = source[index + start.len()..].trim_start();
                if let Some(code) = rest.strip_prefix('"') {
                    used.insert(code.split('"').next().unwrap());
                }
            }
        }
    }
    assert_eq!(used, documented());
}

#[test]
fn a_hop_names_an_environment_or_several() {
    assert_finds(&whole("environments = [\"test\", «[]»]\n", ""), "empty-hop");
    assert_finds(&whole("environments = [[\"eu\", «3»]]\n", ""), "wrong-type");
    assert!(findings(&whole("environments = [\"test\", [\"eu\", \"us\"], \"live\"]\n", "")).is_empty());
}

#[test]
fn a_fact_of_a_live_environment_that_is_only_told_is_warned_of() {
    let text = assert_finds(&whole("", "«[facts.change]»\nfrom = \"told\"\n"), "told-fact");
    assert!(text.contains("`change` is what the requester says"), "{text}");
    assert!(findings(&whole("", "[facts.kpis]\nfrom = \"told\"\n")).is_empty(), "not of what is not demanded anyway");
    assert!(findings(&whole("", "[facts.change]\nfrom = \"register\"\n")).is_empty());
    let release = "«[facts.release]»\nfrom = \"told\"\n";
    assert_finds(&whole("criteria = \"deploy-value-stream\"\n", release), "told-fact");
}

#[test]
fn a_demand_that_no_role_in_it_has_the_right_to_meet_is_warned_of() {
    let fact = |text: &str| whole(&format!("[facts.change]\n{text}\n"), "");
    let said = assert_finds(&fact("from = \"register\"\nby = «[\"developer\", \"user\"]»"), "attester-without-right");
    assert!(said.contains("attest entries of the register `changes` as `developer`, `user`"), "{said}");
    let said = assert_finds(&fact("from = \"evidence\"\nby = «[\"user\"]»"), "attester-without-right");
    assert!(said.contains("`register`, `attest`"), "{said}");
    let said = assert_finds(&whole("[evidence.report]\nby = «[\"change-authority\"]»\n", ""), "attester-without-right");
    assert!(said.contains("nobody may attach evidence as `change-authority`"), "{said}");
    for fine in [
        fact("from = \"register\"\nby = [\"user\", \"service:itsm\"]"),
        fact("from = \"evidence\"\nby = [\"developer\"]"),
        whole("[evidence.report]\nby = [\"change-authority\", \"developer\"]\n", ""),
    ] {
        assert!(findings(&fine).is_empty(), "{}", findings(&fine));
    }
}

#[test]
fn evidence_cannot_tell_a_list_of_entries() {
    let said = assert_finds(&whole("[facts.instances]\nfrom = «\"evidence\"»\n", ""), "evidence-of-list");
    assert!(said.contains("no evidence tells `instances`") && said.contains("`from = \"register\"`"), "{said}");
    assert!(findings(&whole("[facts.release]\nfrom = \"evidence\"\n", "")).is_empty());
}

#[test]
fn a_demand_that_no_rule_of_the_server_can_meet_is_warned_of_at_its_place() {
    let found = |by: &str, rules: serde_json::Value| {
        let text = whole(&format!("[facts.change]\nfrom = \"register\"\nby = [\"{by}\"]\n"), "");
        let source = Source::new("model.toml", text.as_str());
        let rules = AttestRules::new(serde_json::from_value(rules).unwrap());
        let found: ModelFindings = attesters_without_rule(&check(&source).unwrap(), &rules).into_iter().collect();
        let said = found.located(&source);
        said.iter()
            .map(|found| (found.code, found.line, found.message.clone(), found.notes.join(" ")))
            .collect::<Vec<_>>()
    };
    let rule = |by: &str| serde_json::json!([{"registers": ["changes"], "by": [by]}]);
    let expected = |by: &str, note: &str| {
        let message = format!("the server lets nobody attest `changes` as `{by}`");
        vec![("attester-without-rule", 7, message, note.to_owned())]
    };
    let usual = "it lets `change-authority` attest `changes`";
    assert_eq!(found("release-manager", serde_json::json!([])), expected("release-manager", usual));
    let itsm = "it lets `service:itsm` attest `changes`";
    assert_eq!(found("service:crm", rule("service:itsm")), expected("service:crm", itsm));
    for (by, rules) in [
        ("change-authority", serde_json::json!([])),
        ("service:itsm", rule("service:itsm")),
        // The role of a service or person is known to its credential alone.
        ("release-manager", rule("service:itsm")),
        ("service:itsm", rule("release-manager")),
        (
            "change-authority",
            serde_json::json!([{"registers": ["changes"], "by": ["change-authority"], "teams": ["shop"]}]),
        ),
    ] {
        assert_eq!(found(by, rules), [], "{by}");
    }
}
