//! Signs an event, and posts it: by the rules of <https://www.standardwebhooks.com>, which receivers have libraries for.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::Value;
use ureq::Agent;
use ureq::http::header;

use crate::config::WebhookConfig;
use crate::process::outbound_agent;

/// The beginning of a secret that is written as base64.
const ENCODED: &str = "whsec_";

/// What came of posting an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PostOutcome {
    /// The receiver has it.
    Taken,
    /// The receiver does not want it, however often it comes: why.
    Refused(String),
    /// It is to be tried again: why, and how long the receiver asks to wait.
    Failed(String, Option<Duration>),
}

/// A receiver of events.
pub(super) struct Webhook {
    agent: Agent,
    config: WebhookConfig,
}

impl Webhook {
    pub(super) fn new(config: WebhookConfig) -> Self {
        Self { agent: outbound_agent(Duration::from_millis(config.timeout.as_millis())), config }
    }

    /// Posts an event with this id, at a moment in seconds since 1970.
    pub(super) fn post(&self, id: &str, seconds: i64, event: &Value) -> PostOutcome {
        let secret = match self.secret() {
            Ok(secret) => secret,
            Err(message) => return PostOutcome::Failed(message, None),
        };
        let url = &self.config.url;
        let body = event.to_string();
        let request = self
            .agent
            .post(url)
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature(&secret, id, seconds, &body));
        let answer = match request.send(body.as_bytes()) {
            Ok(answer) => answer,
            Err(error) => return PostOutcome::Failed(format!("posting to `{url}`: {error}"), None),
        };
        let status = answer.status();
        let message = format!("`{url}` answered {status}");
        match status.as_u16() {
            200..=299 => PostOutcome::Taken,
            // What somebody at the receiver can mend is tried again.
            401 | 403 | 404 | 408 | 425 | 429 => {
                let after = answer.headers().get(header::RETRY_AFTER);
                let after = after.and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
                PostOutcome::Failed(message, after)
            }
            400..=499 => PostOutcome::Refused(message),
            _ => PostOutcome::Failed(message, None),
        }
    }

    fn secret(&self) -> Result<Vec<u8>, String> {
        let WebhookConfig { secret_file, secret_env, .. } = &self.config;
        let text = match (secret_file, secret_env) {
            (Some(file), _) => std::fs::read_to_string(file)
                .map_err(|error| format!("reading the secret from `{}`: {error}", file.display()))?,
            (None, Some(variable)) => {
                std::env::var(variable).map_err(|_| format!("the variable `{variable}` has no secret: set it"))?
            }
            (None, None) => return Err("the webhook has no secret".to_owned()),
        };
        match text.trim() {
            "" => Err("the secret of the webhook is empty".to_owned()),
            text => match text.strip_prefix(ENCODED) {
                Some(encoded) => {
                    STANDARD.decode(encoded).map_err(|_| format!("the secret is no base64 after `{ENCODED}`"))
                }
                None => Ok(text.as_bytes().to_vec()),
            },
        }
    }
}

/// The signature over id, time and body.
fn signature(secret: &[u8], id: &str, seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn the_signature_is_that_of_the_specification() {
        let secret = base64::Engine::decode(&super::STANDARD, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = "{\"test\": 2432232314}";
        assert_eq!(
            secret.map(|secret| signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)),
            Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned())
        );
    }
}
