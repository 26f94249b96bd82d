//! What is wrong with a configuration although each value for itself is right.

use super::mistake::{Mistake, Origin};
use super::tree::{Content, Node};
use super::{Config, LimitsConfig, TlsConfig};
use crate::auth;

/// All that is wrong with it.
pub(super) fn mistakes(config: &Config, tree: &Node) -> Vec<Mistake> {
    let mut found = Found { tree, mistakes: Vec::new() };
    let Config { name, listen, data, insecure_no_auth, tls, limits, reload, .. } = config;
    if name.is_empty() || name.contains(|character: char| character.is_whitespace() || character == '+') {
        found.add("name", "it is empty, or holds a blank or a `+`, which checkpoints do not allow");
    }
    if data.as_os_str().is_empty() {
        found.add("data", "it is empty: write a folder");
    }
    for (n, pattern) in config.models.iter().enumerate() {
        if pattern.strip_suffix("*.toml").unwrap_or(pattern).contains(['*', '?', '[']) {
            let message = format!("`{pattern}` is not a file or folder: write a file, a folder, or `folder/*.toml`");
            found.add(&format!("models[{n}]"), &message);
        }
    }
    if *insecure_no_auth && !listen.ip().is_loopback() {
        let message = format!(
            "every client of `{}` would be an administrator: listen on `127.0.0.1`, or keep authentication on",
            listen.ip()
        );
        found.add("insecure-no-auth", &message);
    }
    check_tls(tls, &mut found);
    if limits.wait >= limits.request {
        found.add("limits.wait", &format!("it has to be shorter than `limits.request`, which is `{}`", limits.request));
    }
    for (key, length) in
        [("limits.header-read", limits.header_read), ("limits.idle", limits.idle), ("limits.request", limits.request)]
    {
        if length.as_millis() == 0 {
            found.add(key, "no client is that fast: write for example `30s`");
        }
    }
    if limits.delegation.as_millis() == 0 {
        found.add("limits.delegation", "it is 0, so no role could be lent: write for example `30d`");
    }
    check_sizes(limits, &mut found);
    if reload.watch && reload.interval.as_millis() < 100 {
        found.add("reload.interval", "it is shorter than `100ms`: write for example `2s`, or `watch = false`");
    }
    for auth::Mistake { path, message } in config.auth.mistakes() {
        found.add(&format!("auth.{path}"), &message);
    }
    let observe = &config.observe;
    for (section, mistakes) in [
        ("observe.log", observe.log.mistakes()),
        ("observe.traces", observe.traces.mistakes()),
        ("decision-log", config.decision_log.mistakes()),
    ] {
        for mistake in mistakes {
            found.add(&format!("{section}.{}", mistake.key), &mistake.message);
        }
    }
    found.mistakes
}

fn check_sizes(limits: &LimitsConfig, found: &mut Found<'_>) {
    for (key, size) in [("limits.body", limits.body), ("limits.evidence", limits.evidence)] {
        if size.as_u64() == 0 {
            found.add(key, "it is 0, so no body would be accepted: write for example `1 MiB`");
        }
    }
    let largest = limits.body.max(limits.evidence);
    for (key, size) in
        [("limits.bodies", limits.bodies), ("limits.bodies-per-credential", limits.bodies_per_credential)]
    {
        if size < largest {
            found.add(key, &format!("it is less than the largest body: write `{largest}` or more"));
        }
    }
    if limits.least_rate.as_u64() == 0 {
        found.add(
            "limits.least-rate",
            "it is 0, so a request could wait for its body for ever: write for example `16 KiB`",
        );
    }
}

fn check_tls(tls: &TlsConfig, found: &mut Found<'_>) {
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => found.add("tls.certificate", "`tls.key` is missing: set both"),
        (None, Some(_)) => found.add("tls.key", "`tls.certificate` is missing: set both"),
        (None, None) if tls.client_ca.is_some() => {
            found.add("tls.client-ca", "client certificates need TLS: set `tls.certificate` and `tls.key`");
        }
        _ => {}
    }
    if tls.client_ca.is_none() && tls.client_certificate == super::ClientCertificate::Required {
        found.add("tls.client-certificate", "client certificates need `tls.client-ca`: set it");
    }
}

struct Found<'t> {
    tree: &'t Node,
    mistakes: Vec<Mistake>,
}

impl Found<'_> {
    fn add(&mut self, path: &str, message: &str) {
        let origin = place(self.tree, path).clone();
        self.mistakes.push(Mistake::new(origin, format!("`{path}`: {message}")));
    }
}

/// Where something was written, by its path as messages write it: keys with dots, places in lists in brackets or as a
/// number. Keys may have dots in them, so the tree says where one ends.
fn place<'t>(node: &'t Node, path: &str) -> &'t Origin {
    let rest_behind = |path: &str, name: &str| -> Option<String> {
        let rest = path.strip_prefix(name)?;
        if rest.is_empty() || rest.starts_with('[') {
            return Some(rest.to_owned());
        }
        rest.strip_prefix('.').or_else(|| rest.strip_prefix(']')).map(|rest| rest.trim_start_matches('.').to_owned())
    };
    let next = match &node.content {
        Content::Table(entries) => entries
            .iter()
            .filter_map(|(name, entry)| Some((name.len(), &entry.node, rest_behind(path, name)?)))
            .max_by_key(|(length, ..)| *length)
            .map(|(_, node, rest)| (node, rest)),
        Content::List(items) => {
            let path = path.strip_prefix('[').unwrap_or(path);
            let digits = path.bytes().take_while(u8::is_ascii_digit).count();
            path.get(..digits).and_then(|number| {
                let node = items.get(number.parse::<usize>().ok()?)?;
                Some((node, rest_behind(path, number)?))
            })
        }
        Content::Leaf(_) => None,
    };
    match next {
        Some((node, rest)) if !path.is_empty() => place(node, &rest),
        _ => &node.origin,
    }
}
