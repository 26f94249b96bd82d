//! The server, and those who ask it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_tests::served::{Answer, Served, send};
use lockgate_tests::tree;
use serde_json::Value;

/// A person with a role in a team: each has a token of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Account {
    pub(crate) person: String,
    pub(crate) role: &'static str,
    pub(crate) team: &'static str,
}

/// A running server, and the tokens that it has issued.
pub(crate) struct Client {
    served: Served,
    data: PathBuf,
    tokens: RefCell<HashMap<Account, String>>,
}

impl Client {
    pub(crate) fn start(data: &Path, models: &str) -> Self {
        let mut command = Command::new(tree("bin/lockgate"));
        command.args(["serve", "--data"]).arg(data).args(["--models", models]);
        Self { served: Served::by(command), data: data.to_owned(), tokens: RefCell::default() }
    }

    /// One request; the answer, whatever it is.
    pub(crate) fn send(&self, account: &Account, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send_text(account, method, path, &body)
    }

    pub(crate) fn send_text(&self, account: &Account, method: &str, path: &str, body: &str) -> Answer {
        let token = self.token(account);
        let answer = send(&self.served.address, method, path, &token, body);
        let answer = answer.unwrap_or_else(|| panic!("no answer to {method} {path}"));
        assert!(answer.status < 500, "{method} {path}: {} {}", answer.status, answer.body);
        answer
    }

    fn token(&self, account: &Account) -> String {
        if let Some(token) = self.tokens.borrow().get(account) {
            return token.clone();
        }
        let mut command = Command::new(tree("bin/lockgate"));
        let Account { person, role, team } = account;
        command.args(["token", "create", "--for", person, "--role", role, "--team", team, "--data"]).arg(&self.data);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        self.tokens.borrow_mut().insert(account.clone(), token.clone());
        token
    }
}
