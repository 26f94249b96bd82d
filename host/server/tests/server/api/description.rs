//! The description of the endpoint.

use std::collections::BTreeSet;
use std::path::Path;

use lockgate_server::api::{RouteAccess, openapi, openapi_text, route_rows, with_rights_tables};
use serde_json::{Value, json};

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.push(reference);
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(array) => array.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_committed_description_is_that_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == openapi_text(), "`docs/openapi.json` is out of date: run `cargo xtask openapi`");
}

#[test]
fn the_page_about_authentication_holds_the_tables_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/authentication.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let renewed = with_rights_tables(&page).unwrap();
    assert!(page == renewed, "`docs/authentication.md` is out of date: run `cargo xtask openapi`");
}

#[test]
fn the_routes_and_the_description_name_the_same_methods_and_paths() {
    let document = openapi();
    let items = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<String> = items
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| format!("{method} {path}")))
        .collect();
    let rows = route_rows();
    let routed: BTreeSet<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.method.as_str().to_ascii_lowercase(), row.described_path()))
        .collect();
    assert_eq!(routed, described);
    assert_eq!(routed.len(), rows.len(), "a route is in the table twice");
}

#[test]
fn every_operation_says_which_credentials_and_rights_it_needs() {
    let document = openapi();
    for row in route_rows() {
        let pointer = row.described_path().replace('~', "~0").replace('/', "~1");
        let method = row.method.as_str().to_ascii_lowercase();
        let operation = document.pointer(&format!("/paths/{pointer}/{method}")).unwrap();
        let alternatives = |rights: Value| vec![json!({"bearer": rights}), json!({"mutualTLS": rights})];
        let (security, ending) = match row.access {
            RouteAccess::Open => (vec![], "No credential needed.".to_owned()),
            RouteAccess::Known => (alternatives(json!([])), "Any credential.".to_owned()),
            RouteAccess::Any(rights) => {
                let words: Vec<String> = rights.iter().map(|right| format!("`{right}`")).collect();
                let security = rights.iter().flat_map(|right| alternatives(json!([right]))).collect();
                (security, format!("Needs the right {}.", words.join(" or ")))
            }
        };
        assert_eq!(operation["security"], json!(security), "{method} {}", row.path);
        let description = operation["description"].as_str().unwrap();
        assert!(description.ends_with(&ending), "{method} {}: {description}", row.path);
    }
    let gate = &document["paths"]["/api/v1/deployments/{id}/gates/{stage}/{phase}"]["post"];
    assert_eq!(
        gate["security"],
        json!([{"bearer": ["decide"]}, {"mutualTLS": ["decide"]}, {"bearer": ["drive"]}, {"mutualTLS": ["drive"]}])
    );
    assert_eq!(document["paths"]["/openapi.json"]["get"]["security"], json!([]));
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    let lost: Vec<_> = found
        .into_iter()
        .filter(|found| document.pointer(found.strip_prefix('#').unwrap_or_default()).is_none())
        .collect();
    assert_eq!(lost, Vec::<&str>::new());
}

#[test]
fn every_operation_has_an_id_of_its_own_a_summary_and_a_tag_that_is_described() {
    let document = openapi();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{place} has no summary");
            assert!(tags.contains(&&operation["tags"][0]), "{place} has no tag");
            ids.push(operation["operationId"].as_str().unwrap_or_else(|| panic!("{place} has no id")).to_owned());
        }
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
