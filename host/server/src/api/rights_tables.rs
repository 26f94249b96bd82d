//! Makes the tables of `docs/authentication.md` from the code: the rights, the roles that grant them, and the routes
//! that need them.
//!
//! `cargo xtask openapi` writes the tables, and a test compares the page with them.

use lockgate_domain::{RIGHTS_OF_OTHER_ROLES, ROLES, Right};
use schemars::schema_for;
use serde_json::Value;

use super::route::{RouteAccess, RouteRow, quoted, rights_in_words};

/// A page lacks the line that begins or ends a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the page has no line `{0}`: add it where the table belongs")]
pub struct UnmarkedPage(String);

/// Replaces the tables between their markers in a page.
///
/// # Errors
/// If the page lacks a marker.
pub(super) fn with_rights_tables(page: &str, rows: Vec<RouteRow>) -> Result<String, UnmarkedPage> {
    let page = with_table(page, "rights", &all_rights())?;
    let page = with_table(&page, "roles and rights", &roles_and_rights())?;
    with_table(&page, "routes and rights", &routes_and_rights(rows))
}

fn with_table(page: &str, name: &str, table: &str) -> Result<String, UnmarkedPage> {
    let begin = format!("<!-- {name}, made from the code by `cargo xtask openapi` -->");
    let end = format!("<!-- end of {name} -->");
    let (before, rest) = page.split_once(&begin).ok_or_else(|| UnmarkedPage(begin.clone()))?;
    let (_, after) = rest.split_once(&end).ok_or_else(|| UnmarkedPage(end.clone()))?;
    Ok(format!("{before}{begin}\n\n{table}\n{end}{after}"))
}

/// The purpose of each right, from the documentation in the schema of a right.
fn all_rights() -> String {
    let schema = schema_for!(Right).to_value();
    let mut table = "| right | what it allows |\n|---|---|\n".to_owned();
    for right in schema.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        let text = |member| right.get(member).and_then(Value::as_str).unwrap_or_default();
        table.push_str(&format!("| `{}` | {} |\n", text("const"), text("description")));
    }
    table
}

fn roles_and_rights() -> String {
    let mut table = "| role | who holds it | rights |\n|---|---|---|\n".to_owned();
    for known in ROLES {
        table.push_str(&format!("| `{}` | {} | {} |\n", known.name, known.holder, listed(known.rights)));
    }
    let others = "People that the organisation names; hands in evidence, approves and resumes where a model names the role, and stops the line where the configuration names it.";
    table.push_str(&format!("| any other | {others} | {} |\n", listed(RIGHTS_OF_OTHER_ROLES)));
    table
}

fn routes_and_rights(rows: Vec<RouteRow>) -> String {
    let mut table = "| method | path | right |\n|---|---|---|\n".to_owned();
    for row in rows {
        let path = row.described_path();
        let RouteRow { method, access, .. } = row;
        let right = match access {
            RouteAccess::Open => "none".to_owned(),
            RouteAccess::Known => "any credential".to_owned(),
            RouteAccess::Any(rights) => rights_in_words(rights),
        };
        table.push_str(&format!("| `{method}` | `{path}` | {right} |\n"));
    }
    table
}

fn listed(rights: &[Right]) -> String {
    quoted(rights).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_replaces_what_stood_between_its_markers() {
        let begin = "<!-- pets, made from the code by `cargo xtask openapi` -->";
        let page = format!("before\n{begin}\nold\n<!-- end of pets -->\nafter\n");
        let renewed = format!("before\n{begin}\n\n| cat |\n\n<!-- end of pets -->\nafter\n");
        assert_eq!(with_table(&page, "pets", "| cat |\n"), Ok(renewed.clone()));
        assert_eq!(with_table(&renewed, "pets", "| cat |\n"), Ok(renewed));
    }

    #[test]
    fn every_right_is_there_with_words() {
        let table = all_rights();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(rows.len(), Right::ALL.len());
        for (row, right) in rows.into_iter().zip(Right::ALL) {
            assert!(row.starts_with(&format!("| `{right}` | ")) && row.ends_with(". |"), "{row}");
        }
    }

    #[test]
    fn a_page_without_a_marker_is_told_which_line_it_lacks() {
        let begin = "<!-- pets, made from the code by `cargo xtask openapi` -->";
        assert_eq!(with_table("", "pets", "x"), Err(UnmarkedPage(begin.to_owned())));
        assert_eq!(with_table(begin, "pets", "x"), Err(UnmarkedPage("<!-- end of pets -->".to_owned())));
    }
}
