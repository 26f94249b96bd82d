//! Who is told of what, without looking.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lockgate_domain::{Duration, TeamName};
use lockgate_service::NoticeKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::{SettingFault, SettingFaults, SettingPath};
use super::observe::check_url;

/// Who is told of what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NotificationsConfig {
    /// The URL of this server as others reach it, for example `https://deploy.example.com`: the source of all events, which link to
    /// it. Webhooks need it.
    pub base_url: Option<String>,
    /// The servers that are told.
    pub webhooks: Vec<WebhookConfig>,
}

/// A server that events are posted to, one in each request, signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WebhookConfig {
    /// The name of the webhook: lower-case words joined by hyphens. The ledger keeps under it what was sent, so another name begins
    /// anew.
    pub name: String,
    /// The whole URL, for example `https://chat.example.com/hooks/lockgate`.
    pub url: String,
    /// A file with the secret that events are signed with. It is read for each event, so it can be replaced at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub secret_file: Option<PathBuf>,
    /// The environment variable with the secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// The kinds of events. Empty: all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub events: BTreeSet<NoticeKind>,
    /// The teams whose events are sent. Empty: all. What concerns all teams is sent in any case.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub teams: BTreeSet<TeamName>,
    /// The time-out for one request.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// The longest wait between two attempts. The first waits are shorter.
    #[serde(default = "max_delay")]
    pub max_delay: Duration,
    /// How long an event is tried. After it, the event is kept as a dead letter, and the next one is sent.
    #[serde(default = "give_up_after")]
    pub give_up_after: Duration,
}

fn timeout() -> Duration {
    Duration::from_millis(10_000)
}

fn max_delay() -> Duration {
    Duration::from_millis(60_000)
}

fn give_up_after() -> Duration {
    Duration::from_millis(86_400_000)
}

impl NotificationsConfig {
    /// All mistakes in the section.
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = SettingFaults::default();
        let top = SettingPath::top("notifications");
        match &self.base_url {
            Some(url) => {
                if let Err(message) = check_url(url) {
                    faults.add(top.key("base-url"), message);
                }
            }
            None if !self.webhooks.is_empty() => {
                faults.add(top.key("webhooks"), "events link to this server: set `notifications.base-url`, too");
            }
            None => {}
        }
        let mut names = BTreeSet::new();
        for (place, webhook) in self.webhooks.iter().enumerate() {
            let path = top.key("webhooks").index(place);
            webhook.check(&path, &mut faults);
            if !names.insert(&webhook.name) {
                faults
                    .add(path.key("name"), format!("two webhooks are named `{}`: name one differently", webhook.name));
            }
        }
        faults.0
    }
}

impl WebhookConfig {
    fn check(&self, path: &SettingPath, faults: &mut SettingFaults) {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if self.name.len() > 64 || !self.name.split('-').all(is_word) {
            let message = format!("`{}` is no name: write lower-case letters, digits and single hyphens", self.name);
            faults.add(path.key("name"), message);
        }
        if let Err(message) = check_url(&self.url) {
            faults.add(path.key("url"), message);
        }
        match (&self.secret_file, &self.secret_env) {
            (Some(_), Some(_)) => faults.add(path.key("secret-env"), "`secret-file` is set too: keep one of the two"),
            (None, None) => {
                faults.add(path.key("url"), "events are signed: set `secret-file` or `secret-env` of the webhook");
            }
            _ => {}
        }
        let lengths = [("timeout", self.timeout), ("max-delay", self.max_delay), ("give-up-after", self.give_up_after)];
        for (key, length) in lengths {
            if length.as_millis() == 0 {
                faults.add(path.key(key), "it is 0: write for example `10s`");
            }
        }
    }
}
