//! What can be configured, where it comes from, and how everything that is wrong with it is told at once.

use lockgate_server::config::{Config, ConfigFlag, ConfigInput, reference};

fn input(file: &str, variables: &[(&str, &str)], flags: &[(&str, &str, &str)]) -> ConfigInput {
    let pair = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let flag = |(name, key, value): &(&str, &str, &str)| ConfigFlag {
        name: (*name).to_owned(),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    ConfigInput {
        file: Some(("lockgate.toml".to_owned(), file.to_owned())),
        variables: variables.iter().map(pair).collect(),
        flags: flags.iter().map(flag).collect(),
    }
}

fn refusal(input: &ConfigInput) -> String {
    match input.load() {
        Ok(loaded) => panic!("it was taken: {:#?}", loaded.config),
        Err(error) => error.to_string(),
    }
}

#[test]
fn nothing_written_is_the_default() {
    assert_eq!(ConfigInput::default().load().unwrap().config, Config::default());
}

#[test]
fn a_key_that_two_flags_set_is_refused() {
    let told = |flags: &[(&str, &str, &str)]| input("", &[], flags).load().unwrap_err().to_string();
    let listen = ("--set listen", "listen", "127.0.0.1:1");
    assert!(told(&[listen, listen]).contains("--set listen: it is given twice: give it once"));
    let twice = told(&[("--listen", "listen", "127.0.0.1:2"), listen]);
    assert!(twice.contains("--set listen: `--listen` sets `listen`, too: give one of the two"), "{twice}");
}

#[test]
fn flags_take_precedence_over_variables_and_those_over_the_file_key_by_key() {
    let config = input(
        "listen = '127.0.0.1:1'\nname = 'from-file'\n[limits]\nbody = '2 MiB'\nqueue = 7",
        &[("LOCKGATE_LISTEN", "127.0.0.1:2"), ("LOCKGATE_LIMITS_BODY", "3 MiB"), ("LOCKGATE_DATA", "")],
        &[("--listen", "listen", "127.0.0.1:3")],
    );
    let config = config.load().unwrap().config;
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.limits.body.as_u64(), 3 << 20);
    assert_eq!((config.limits.queue, config.name.as_str()), (7, "from-file"));
    assert_eq!(config.data, Config::default().data, "an empty variable sets nothing");
}

#[test]
fn lists_are_written_with_commas_or_as_toml() {
    for text in ["a.toml,b/*.toml", "a.toml , b/*.toml", r#"["a.toml", "b/*.toml"]"#] {
        let config = input("", &[("LOCKGATE_MODELS", text)], &[]).load().unwrap().config;
        assert_eq!(config.models, ["a.toml", "b/*.toml"]);
    }
}

#[test]
fn a_path_in_a_file_is_relative_to_the_file_and_others_are_not() {
    let mut input = input("data = 'data'\nmodels = ['m/*.toml', '/x.toml']", &[("LOCKGATE_TLS_KEY", "key")], &[]);
    input.variables.push(("LOCKGATE_TLS_CERTIFICATE".to_owned(), "certificate".to_owned()));
    if let Some((name, _)) = &mut input.file {
        *name = "/etc/lockgate/lockgate.toml".to_owned();
    }
    let config = input.load().unwrap().config;
    assert_eq!(config.data, std::path::Path::new("/etc/lockgate/data"));
    assert_eq!(config.models, ["/etc/lockgate/m/*.toml", "/x.toml"]);
    assert_eq!(config.tls.key.as_deref(), Some(std::path::Path::new("key")));
}

#[test]
fn all_faults_are_told_at_once_each_with_its_place() {
    let file = r#"
listn = "127.0.0.1:8181"
data = 3
models = ["a.toml", 4]

[tls]
certificate = "server.pem"
client-certificate = "requird"

[limits]
body = "many"
request = "soon"
wait = "10h"
connections = -1
queue = 99999999999

[ledger]
recordings = "some"
queue = 0

[ledger.retention]
recordings = 90

[metrics]
on = true
"#;
    let wrong = refusal(&input(
        file,
        &[("LOCKGATE_LISTEN", "localhost"), ("LOCKGATE_LIMITS_BODDY", "1 MiB"), ("LOCKGATE_RELOAD_WATCH", "yes")],
        &[("--set", "ledger.retension.requests", "7d"), ("--set", "name", "a b"), ("--set", "a..b", "c")],
    ));
    insta::assert_snapshot!(wrong);
}

#[test]
fn all_faults_of_syntax_are_told_at_once() {
    insta::assert_snapshot!(refusal(&input(
        "listen = \ndata = 'a\nname = \"b\"\nname = \"c\"\n[limits\nbody = 1",
        &[],
        &[]
    )));
}

#[test]
fn what_does_not_fit_together_is_told_where_it_was_written() {
    let wrong = refusal(&input(
        "listen = '0.0.0.0:8181'\nmodels = ['a/*.toml', '**/b.toml']\n[tls]\nclient-ca = 'ca.pem'\n[limits]\nrequest = '10s'\n[stops]\nroles = ['pipeline', 'on-call']\n",
        &[("LOCKGATE_LEDGER_QUEUE", "0")],
        &[("--insecure-no-auth", "insecure-no-auth", "true")],
    ));
    insta::assert_snapshot!(wrong);
}

#[test]
fn variables_that_kubernetes_makes_for_a_service_are_nobodys_business() {
    let variables = [
        ("LOCKGATE_PORT", "tcp://10.0.0.1:8181"),
        ("LOCKGATE_SERVICE_HOST", "10.0.0.1"),
        ("LOCKGATE_SERVICE_PORT", "8181"),
        ("LOCKGATE_PORT_8181_TCP", "tcp://10.0.0.1:8181"),
        ("LOCKGATE_PORT_8181_TCP_PROTO", "tcp"),
        ("LOCKGATE_TOKEN", "secret"),
    ];
    assert_eq!(input("", &variables, &[]).load().unwrap().config, Config::default());
}

#[test]
fn what_is_in_effect_is_shown_with_where_it_came_from() {
    let loaded = input(
        "name = 'deploy.example.com/lockgate'\n\n[limits]\nbody = 2097152\n",
        &[("LOCKGATE_LEDGER_RETENTION_EVIDENCE", "365d")],
        &[("--listen", "listen", "[::1]:0")],
    )
    .load()
    .unwrap();
    insta::assert_snapshot!(loaded.to_toml());
}

#[test]
fn what_is_shown_can_be_used_as_a_file() {
    let loaded = input("name = 'x'\nmodels = []\n[limits]\nwait = '1s'", &[], &[]).load().unwrap();
    assert_eq!(input(&loaded.to_toml(), &[], &[]).load().unwrap().config, loaded.config);
}

#[test]
fn the_page_about_configuration_holds_the_reference() {
    const BEGIN: &str =
        "<!-- The rest of this page is made from the code: UPDATE_DOCS=1 cargo nextest run reference -->\n\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (words, found) = page.split_once(BEGIN).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{words}{BEGIN}{}", reference())).unwrap();
    } else {
        assert!(
            found == reference(),
            "docs/configuration.md is out of date: UPDATE_DOCS=1 cargo nextest run reference"
        );
    }
}

#[test]
fn an_attest_rule_that_nobody_can_use_is_refused_with_its_place() {
    let refused = refusal(&input(
        "[[attest]]\nregisters = []\nby = []\nteams = []\n\n[[attest]]\nregisters = ['changes']\nby = ['service:itsm', 'developer']\n",
        &[],
        &[],
    ));
    for expected in [
        "lockgate.toml:2:13: `attest[0].registers`: it names no register",
        "lockgate.toml:3:6: `attest[0].by`: it names nobody",
        "lockgate.toml:4:9: `attest[0].teams`: it names no team",
        "lockgate.toml:8:6: `attest[1].by`: the role `developer` does not grant the right `register`",
    ] {
        assert!(refused.contains(expected), "`{expected}` in:\n{refused}");
    }
    let fine = "[[attest]]\nregisters = ['changes']\nby = ['change-authority', 'security-officer', 'service:itsm']\n";
    assert_eq!(input(fine, &[], &[]).load().unwrap().config.attest.len(), 1);
}
