//! Checks of settings that the schema cannot express: between keys, and within texts.

use lockgate_domain::{AttestRule, Attester, Right, rights_of, usual_stop_roles};

use super::ClientCertificate;
use super::error::{ConfigFault, SettingFaults, SettingPath};
use super::located_value::LocatedValue;
use super::sections::{Config, LimitsConfig, TlsConfig};

/// All mistakes in a configuration whose values have the right types.
pub(super) fn check(config: &Config, values: &LocatedValue) -> Vec<ConfigFault> {
    let mut faults = SettingFaults::default();
    check_top(config, &mut faults);
    check_attest(&config.attest, &mut faults);
    check_tls(&config.tls, &mut faults);
    check_times(&config.limits, &mut faults);
    check_sizes(&config.limits, &mut faults);
    let reload = &config.reload;
    if reload.watch && reload.interval.as_millis() < 100 {
        let message = "it is shorter than `100ms`: write for example `2s`, or `watch = false`";
        faults.add(SettingPath::top("reload").key("interval"), message);
    }
    check_stops(config, &mut faults);
    let observe = &config.observe;
    let of_sections = [
        config.auth.faults(),
        observe.log.faults(),
        observe.traces.faults(),
        config.decision_log.faults(),
        config.notifications.faults(),
    ];
    let all = faults.0.into_iter().chain(of_sections.into_iter().flatten());
    all.map(|fault| ConfigFault::new(values.origin_of(&fault.path.0).clone(), fault.to_string())).collect()
}

fn check_top(config: &Config, faults: &mut SettingFaults) {
    let Config { name, listen, data, models, insecure_no_auth, .. } = config;
    let top = SettingPath::top;
    if name.is_empty() || name.contains(|character: char| character.is_whitespace() || character == '+') {
        faults.add(top("name"), "it is empty, or holds a blank or a `+`, which checkpoints do not allow");
    }
    if data.as_os_str().is_empty() {
        faults.add(top("data"), "it is empty: write a folder");
    }
    for (n, pattern) in models.iter().enumerate() {
        if pattern.strip_suffix("*.toml").unwrap_or(pattern).contains(['*', '?', '[']) {
            let message = format!("`{pattern}` is not a file or folder: write a file, a folder, or `folder/*.toml`");
            faults.add(top("models").index(n), message);
        }
    }
    if *insecure_no_auth && !listen.ip().is_loopback() {
        let message = format!(
            "every client of `{}` would be an administrator: listen on `127.0.0.1`, or keep authentication on",
            listen.ip()
        );
        faults.add(top("insecure-no-auth"), message);
    }
}

/// Finds rules that let nobody attest anything.
fn check_attest(rules: &[AttestRule], faults: &mut SettingFaults) {
    for (n, rule) in rules.iter().enumerate() {
        let place = SettingPath::top("attest").index(n);
        if rule.registers.is_empty() {
            faults.add(place.key("registers"), "it names no register: write for example `[\"changes\"]`");
        }
        if rule.by.is_empty() {
            let message = "it names nobody: write a role, `service:<id>` or `person:<id>`, or take the rule out";
            faults.add(place.key("by"), message);
        }
        if rule.teams.as_ref().is_some_and(std::collections::BTreeSet::is_empty) {
            faults.add(place.key("teams"), "it names no team: name one, or leave the key out for all teams");
        }
        for attester in &rule.by {
            if let Attester::Role(role) = attester
                && !rights_of(role).contains(&Right::Register)
            {
                let message = format!(
                    "the role `{role}` does not grant the right `{}`, so its holders cannot attest entries: name another role, or \
                     the service or the person as `service:<id>` or `person:<id>`",
                    Right::Register.as_str()
                );
                faults.add(place.key("by"), message);
            }
        }
    }
}

fn check_stops(config: &Config, faults: &mut SettingFaults) {
    let roles = SettingPath::top("stops").key("roles");
    if config.stops.roles.is_empty() {
        faults.add(roles, "it is empty, so nobody could stop the line: name a role, or leave it out");
        return;
    }
    for (place, role) in config.stops.roles.iter().enumerate() {
        if !rights_of(role).contains(&Right::Stop) {
            let usual: Vec<String> = usual_stop_roles().iter().map(|role| format!("`{role}`")).collect();
            let message = format!(
                "`{role}` grants no right `{}`: name a role of your own, or some of {}",
                Right::Stop,
                usual.join(", ")
            );
            faults.add(roles.index(place), message);
        }
    }
}

fn check_tls(tls: &TlsConfig, faults: &mut SettingFaults) {
    let section = SettingPath::top("tls");
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => faults.add(section.key("certificate"), "`tls.key` is missing: set both"),
        (None, Some(_)) => faults.add(section.key("key"), "`tls.certificate` is missing: set both"),
        (None, None) if tls.client_ca.is_some() => {
            let message = "client certificates need TLS: set `tls.certificate` and `tls.key`";
            faults.add(section.key("client-ca"), message);
        }
        _ => {}
    }
    if tls.client_ca.is_none() && tls.client_certificate == ClientCertificate::Required {
        faults.add(section.key("client-certificate"), "client certificates need `tls.client-ca`: set it");
    }
}

fn check_times(limits: &LimitsConfig, faults: &mut SettingFaults) {
    let section = SettingPath::top("limits");
    if limits.wait >= limits.request {
        let message = format!("it has to be shorter than `limits.request`, which is `{}`", limits.request);
        faults.add(section.key("wait"), message);
    }
    for (key, length) in [("header-read", limits.header_read), ("idle", limits.idle), ("request", limits.request)] {
        if length.as_millis() == 0 {
            faults.add(section.key(key), "no client is that fast: write for example `30s`");
        }
    }
    if limits.delegation.as_millis() == 0 {
        faults.add(section.key("delegation"), "it is 0, so no role could be lent: write for example `30d`");
    }
}

fn check_sizes(limits: &LimitsConfig, faults: &mut SettingFaults) {
    let section = SettingPath::top("limits");
    for (key, size) in [("body", limits.body), ("evidence", limits.evidence)] {
        if size.as_u64() == 0 {
            faults.add(section.key(key), "it is 0, so no body would be accepted: write for example `1 MiB`");
        }
    }
    let largest = limits.body.max(limits.evidence);
    for (key, size) in [("bodies", limits.bodies), ("bodies-per-credential", limits.bodies_per_credential)] {
        if size < largest {
            faults.add(section.key(key), format!("it is less than the largest body: write `{largest}` or more"));
        }
    }
    if limits.least_rate.as_u64() == 0 {
        let message = "it is 0, so a request could wait for its body for ever: write for example `16 KiB`";
        faults.add(section.key("least-rate"), message);
    }
}
