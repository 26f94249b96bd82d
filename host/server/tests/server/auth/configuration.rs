//! What can be configured, and what is told of a configuration that is wrong.

use lockgate_server::auth::AuthConfig;

fn mistakes(config: &str) -> Vec<String> {
    let config: AuthConfig = toml::from_str(config).unwrap();
    config.mistakes().iter().map(ToString::to_string).collect()
}

#[test]
fn without_a_word_of_configuration_nothing_is_wrong() {
    assert_eq!(mistakes(""), Vec::<String>::new());
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
fn all_mistakes_are_told_at_once_and_where_they_are() {
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
        when = { repository = 'acme/[' }
        roles = ['pipeline']
        teams = ['shop']
        all-teams = true
        [[certificates]]
        uri = 'spiffe://acme/*'
        dns = ''
        roles = ['pipeline']
        all-teams = true";
    assert_eq!(
        mistakes(config),
        [
            "`auth.realm`: it is empty: write what the endpoint shall call itself",
            "`auth.throttle.failures`: with 0 nobody could ever sign in: write at least 1",
            "`auth.throttle.per`: it is shorter than a second: write at least `1s`",
            "`auth.oidc.0.issuer`: `http://issuer.example.org` could be changed on the way: use `https`",
            "`auth.oidc.0.jwks-uri`: `file:///etc/passwd` is not a URL that begins with `https://`",
            "`auth.oidc.0.audiences`: it is empty: a token that is meant for others would be taken; name your own",
            "`auth.oidc.0.algorithms`: it is empty: no token could be verified",
            "`auth.oidc.0.leeway`: it is longer than `10m`: set the clocks instead",
            "`auth.oidc.0.keys.timeout`: it is not between `1ms` and `1m`",
            "`auth.oidc.0.keys.refresh`: it is shorter than `retry`",
            "`auth.oidc.0.rules`: it is empty: no token of this issuer would be good for anything",
            "`auth.oidc.1.issuer`: `http://issuer.example.org` could be changed on the way: use `https`",
            "`auth.oidc.1.scopes`: it narrows to nothing: name a scope, or leave it out",
            "`auth.oidc.1.rules.0.when`: it is empty, so everybody fits whom the issuer knows: for a public CI system \
             that is the whole world. Name claims; if it is meant, write `sub = \"**\"`",
            "`auth.oidc.1.rules.0.roles`: it names no role: write at least one, for example `pipeline`",
            "`auth.oidc.1.rules.0`: no team's deployments are seen: name some in `teams`, or write `all-teams = true`",
            "`auth.oidc.1.rules.1.when.repository`: `acme/[` is not a pattern: unclosed character class; missing ']'",
            "`auth.oidc.1.rules.1`: `teams` and `all-teams` exclude each other: write one of them",
            "`auth.oidc.1.issuer`: it is configured before: put the rules of both into one",
            "`auth.certificates.0`: exactly one of `uri`, `email`, `dns` and `subject` says which certificates it is about",
            "`auth.certificates.0.dns`: it is empty: nothing fits",
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
        assert_eq!(mistakes(&config), Vec::<String>::new());
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
    assert_eq!(wrong.message(), "the id of a person is empty: write an account name or an e-mail address");
}
