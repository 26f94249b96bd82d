//! What can be configured, and what is told of a configuration that is wrong.

use lockgate_server::config::AuthConfig;

fn faults(config: &str) -> Vec<String> {
    let config: AuthConfig = toml::from_str(config).unwrap();
    config.faults().iter().map(ToString::to_string).collect()
}

#[test]
fn the_default_configuration_has_no_faults() {
    assert_eq!(faults(""), Vec::<String>::new());
}

#[test]
fn what_is_written_out_is_read_back() {
    let config = "[[oidc]]\nissuer = 'https://a.example'\naudiences = ['us']\nperson = 'email'
        [[oidc.rules]]\nwhen = { groups = ['ops', 'dev'] }\nroles = ['developer']\nall-teams = true
        [[certificates]]\ndns = '*.example'\nroles = ['pipeline']\nteams = ['shop']";
    let config: AuthConfig = toml::from_str(config).unwrap();
    assert_eq!(toml::from_str::<AuthConfig>(&toml::to_string(&config).unwrap()), Ok(config));
}

#[test]
fn all_faults_are_told_at_once_and_where_they_are() {
    let config = "
        realm = ' '
        throttle = { failures = 0, per = '10ms' }
        [[oidc]]
        issuer = 'http://issuer.example.org'
        jwks-uri = 'file:///etc/passwd'
        audiences = []
        algorithms = []
        leeway = '1h'
        keys = { refresh = '1s', timeout = '0s' }
        rules = []
        [[oidc]]
        issuer = 'http://issuer.example.org'
        audiences = ['us']
        scopes = []
        [[oidc.rules]]
        when = {}
        roles = []
        [[oidc.rules]]
        when = { repository = 'acme/{a,b}' }
        roles = ['pipeline']
        teams = ['shop']
        all-teams = true
        [[certificates]]
        uri = 'spiffe://acme/*'
        dns = ''
        roles = ['pipeline']
        all-teams = true";
    assert_eq!(
        faults(config),
        [
            "`auth.realm`: it is empty: write a name for the server, for example `lockgate`",
            "`auth.throttle.failures`: 0 would lock everybody out: write at least 1",
            "`auth.throttle.per`: it is shorter than a second: write at least `1s`",
            "`auth.oidc[0].issuer`: `http://issuer.example.org` is not encrypted: use `https`",
            "`auth.oidc[0].jwks-uri`: `file:///etc/passwd` is not a URL that begins with `https://`",
            "`auth.oidc[0].audiences`: it is empty: write your own audience, so that tokens for others are refused",
            "`auth.oidc[0].algorithms`: it is empty: no token could be verified",
            "`auth.oidc[0].leeway`: it is longer than `10m`: synchronise the clocks instead",
            "`auth.oidc[0].keys.timeout`: it is not between `1ms` and `1m`",
            "`auth.oidc[0].keys.refresh`: it is shorter than `retry`",
            "`auth.oidc[0].rules`: it is empty: no token of this issuer would grant anything",
            "`auth.oidc[1].issuer`: `http://issuer.example.org` is not encrypted: use `https`",
            "`auth.oidc[1].scopes`: it is empty: list a scope, or leave it out",
            "`auth.oidc[1].rules[0].when`: it is empty, so every token of the issuer matches: for a public CI system, \
             that is the whole world. List claims; to match every token, write `sub = \"**\"`",
            "`auth.oidc[1].rules[0].roles`: no role: write at least one, for example `pipeline`",
            "`auth.oidc[1].rules[0]`: no team: list some in `teams`, or write `all-teams = true`",
            "`auth.oidc[1].rules[1].when.repository`: braces list no alternatives: write several patterns, for \
             example `[\"a/*\", \"b/*\"]`",
            "`auth.oidc[1].rules[1]`: `teams` and `all-teams` exclude each other: keep one",
            "`auth.oidc[1].issuer`: this issuer is configured twice: merge the rules",
            "`auth.certificates[0]`: write exactly one of `uri`, `email`, `dns` and `subject`",
            "`auth.certificates[0].dns`: it is empty, so nothing matches: write a pattern",
        ]
    );
}

#[test]
fn keys_of_this_machine_need_no_encryption() {
    for issuer in ["http://127.0.0.1:8080/realm", "http://[::1]:8080", "http://localhost"] {
        let config = format!(
            "[[oidc]]\nissuer = '{issuer}'\naudiences = ['us']
             rules = [{{ when = {{ sub = '**' }}, roles = ['user'], all-teams = true }}]"
        );
        assert_eq!(faults(&config), Vec::<String>::new());
    }
}

#[test]
fn there_is_no_way_to_allow_an_algorithm_that_does_not_sign() {
    for algorithm in ["none", "HS256"] {
        let config =
            format!("[[oidc]]\nissuer = 'https://a.example'\naudiences = ['us']\nalgorithms = ['{algorithm}']");
        let error = toml::from_str::<AuthConfig>(&config).unwrap_err().to_string();
        assert!(error.contains("expected one of `RS256`"), "{error}");
    }
}

#[test]
fn the_person_of_a_certificate_rule_is_an_id() {
    let rule = "[[certificates]]\ndns = 'a.example'\nperson = ' '\nroles = ['pipeline']\nall-teams = true";
    let wrong = toml::from_str::<AuthConfig>(rule).unwrap_err();
    assert_eq!(wrong.message(), "the id of a person is empty: write one");
}
