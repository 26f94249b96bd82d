//! Prints tokens. A secret is only printed when it was just created: then it is alone on standard output, for scripts, and everything
//! else is on standard error.

use lockgate_domain::{Right, TeamName, Teams, Timestamp};
use lockgate_server::auth::token::{IssuedToken, Token, TokenState};
use lockgate_service::lifecycle::EventActor;
use serde_json::{Value, json};

use crate::layout::{OutputFormat, fields, grid};
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{BAD, FAINT, GOOD, styled};

/// Prints a token with its secret.
pub(super) fn issued(
    issued: &IssuedToken,
    now: Timestamp,
    format: OutputFormat,
    global: &GlobalOptions,
) -> anyhow::Result<()> {
    match format {
        OutputFormat::Json => {
            let mut document = document(&issued.token, now)?;
            if let Value::Object(members) = &mut document {
                members.insert("secret".to_owned(), issued.secret.expose().into());
            }
            print::data(print::json(&document)?)
        }
        OutputFormat::Table => {
            if !global.quiet {
                print::message(table(&issued.token, now));
                print::message("\nThe token, which is shown only once:");
            }
            print::data(issued.secret.expose())
        }
    }
}

/// Prints a token without its secret.
pub(super) fn token(token: &Token, now: Timestamp, format: OutputFormat) -> anyhow::Result<()> {
    match format {
        OutputFormat::Json => print::data(print::json(&document(token, now)?)?),
        OutputFormat::Table => print::text(table(token, now)),
    }
}

/// Prints tokens without their secrets.
pub(super) fn list(tokens: &[&Token], now: Timestamp, format: OutputFormat) -> anyhow::Result<()> {
    match format {
        OutputFormat::Json => {
            let documents = tokens.iter().map(|token| document(token, now)).collect::<Result<Vec<_>, _>>()?;
            print::data(print::list(&documents)?)
        }
        OutputFormat::Table if tokens.is_empty() => print::text("No tokens."),
        OutputFormat::Table => {
            let rows = tokens.iter().map(|token| {
                vec![
                    token.id.clone(),
                    state(token, now),
                    print::plain(token.person.id.written()).into_owned(),
                    token.kind.to_string(),
                    roles(token),
                    teams(token),
                    scopes(token),
                    expires(token),
                    print::plain(token.note.as_deref().unwrap_or_default()).into_owned(),
                ]
            });
            let head = ["id", "state", "for", "kind", "roles", "teams", "scopes", "expires", "note"];
            print::text(grid(&head, rows.collect()))
        }
    }
}

/// The token as the ledger has it, with its current state.
fn document(token: &Token, now: Timestamp) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(token)?;
    if let Value::Object(members) = &mut document {
        members.insert("state".to_owned(), json!(token.state(now)));
        members.insert("previous_secret_until".to_owned(), json!(token.overlap(now)));
    }
    Ok(document)
}

fn table(token: &Token, now: Timestamp) -> String {
    let mut rows = vec![
        ("id", token.id.clone()),
        ("state", state(token, now)),
        ("for", print::plain(token.person.id.written()).into_owned()),
        ("kind", token.kind.to_string()),
        ("roles", roles(token)),
        ("teams", teams(token)),
        ("scopes", scopes(token)),
        ("expires", expires(token)),
        ("issued", format!("{} by {}", token.issued, by(&token.issued_by))),
    ];
    if let Some(at) = token.rotated {
        rows.push(("rotated", at.to_string()));
    }
    if let Some(revoked) = &token.revoked {
        let why = revoked.reason.as_deref().map(|reason| format!(": {}", print::plain(reason)));
        rows.push(("revoked", format!("{} by {}{}", revoked.at, by(&revoked.by), why.unwrap_or_default())));
    }
    if let Some(note) = &token.note {
        rows.push(("note", print::plain(note).into_owned()));
    }
    fields(rows)
}

/// The person who made a change, with their credential.
fn by(by: &EventActor) -> String {
    print::plain(&format!("{}, with {} ({})", by.person, by.credential, by.kind)).into_owned()
}

fn state(token: &Token, now: Timestamp) -> String {
    match token.state(now) {
        TokenState::Valid => styled(GOOD, "valid"),
        TokenState::Expired => styled(FAINT, "expired"),
        TokenState::Revoked => styled(BAD, "revoked"),
    }
}

fn roles(token: &Token) -> String {
    print::plain(&token.person.roles.join(", ")).into_owned()
}

fn teams(token: &Token) -> String {
    match &token.teams {
        Teams::All => "all".to_owned(),
        Teams::Named(teams) => {
            print::plain(&teams.iter().map(TeamName::as_str).collect::<Vec<_>>().join(", ")).into_owned()
        }
    }
}

fn scopes(token: &Token) -> String {
    let listed = |scopes: &std::collections::BTreeSet<Right>| {
        scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
    };
    token.scopes.as_ref().map_or_else(|| "all rights of its roles".to_owned(), listed)
}

fn expires(token: &Token) -> String {
    token.expires.map_or_else(|| "never".to_owned(), |at| at.to_string())
}
