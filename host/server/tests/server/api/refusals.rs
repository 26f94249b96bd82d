//! What is not done, and how that is said.

use serde_json::json;

use crate::api::stand::Stand;
use crate::decision_support::{deployment, person, token};
use crate::http_support::exchange;

#[tokio::test]
async fn whoever_has_no_credentials_hears_nothing_but_the_description() {
    let stand = Stand::new().await;
    let address = stand.running.address();
    let refused = exchange(address, "GET /api/v1/deployments HTTP/1.1", "").await;
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/problem+json")));
    let described = exchange(address, "GET /openapi.json HTTP/1.1", "").await;
    assert_eq!((described.status, &described.json()["openapi"]), (200, &json!("3.1.0")));
}

#[tokio::test]
async fn a_role_that_is_missing_is_named() {
    let stand = Stand::new().await;
    let refused = stand.post("ben", "/deployments", json!({"deployment": deployment("d-1")})).await;
    assert_eq!(refused.status, 403);
    let problem = refused.json();
    assert_eq!(problem["type"], "urn:lockgate:problem:forbidden");
    assert_eq!(problem["right"], "request");
    assert!(problem["roles"].as_array().unwrap().contains(&json!("developer")), "{problem}");
}

#[tokio::test]
async fn an_illegal_move_names_the_legal_ones() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let refused = stand.pass("d-1", "fulfill/entrance").await;
    assert_eq!(refused.status, 409);
    let problem = refused.json();
    assert_eq!(problem["type"], "urn:lockgate:problem:illegal-move");
    assert_eq!(problem["position"], json!({"status": "awaiting-entrance", "stage": "plan-and-approve"}));
    let legal: Vec<_> = problem["legal_moves"].as_array().unwrap().iter().map(|legal| legal["move"].clone()).collect();
    assert_eq!(legal, ["pass", "reject", "abort"]);
    assert!(problem["instance"].as_str().unwrap().starts_with("urn:lockgate:request:"));
}

#[tokio::test]
async fn a_request_that_takes_no_body_is_refused_with_one_that_says_something() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let gate = "POST /api/v1/deployments/d-1/gates/plan-and-approve/entrance";
    for (who, line) in [
        ("rita", gate),
        ("rita", "POST /api/v1/deployments/d-1/rollout/next"),
        ("ben", "DELETE /api/v1/waivers/w-1"),
        ("ada", "DELETE /api/v1/delegations?from=ben"),
    ] {
        for body in [r#"{"ask": true}"#, "not json", "[]"] {
            let refused = stand.send(who, line, &["content-type: application/json"], body).await;
            assert_eq!(refused.status, 422, "{line}: {}", refused.body);
            assert!(refused.body.contains("takes no body"), "{}", refused.body);
        }
    }
    assert_eq!(stand.get("rita", "/deployments/d-1").await.header("etag"), Some("\"1\""));
    // What says nothing does no harm.
    for body in ["{}", " \n"] {
        let asked = stand.send("rita", &format!("{gate}?ask=true"), &["content-type: application/json"], body).await;
        assert_eq!(asked.status, 200, "{}", asked.body);
    }
}

#[tokio::test]
async fn a_document_that_is_wrong_is_told_by_places() {
    let stand = Stand::new().await;
    let mut wrong = deployment("d-1");
    wrong["change"]["risk"] = json!("huge");
    let refused = stand.post("rita", "/deployments", json!({"deployment": wrong})).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/deployment/change/risk");

    let mut wrong = deployment("no blanks");
    wrong["requester"]["id"] = json!("somebody");
    let refused = stand.post("mia", "/deployments", json!({"deployment": wrong})).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/deployment/id", "{}", refused.body);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_from_one_that_is_wrong() {
    let stand = Stand::new().await;
    let (line, json) = ("POST /api/v1/deployments", "content-type: application/json");
    let statuses = [
        stand.send("rita", line, &[json], "{").await.status,
        stand.send("rita", line, &["content-type: text/plain"], "{}").await.status,
        stand.send("rita", line, &[], "{}").await.status,
        stand.send("rita", line, &[json], "{}").await.status,
    ];
    assert_eq!(statuses, [400, 415, 415, 422]);
}

#[tokio::test]
async fn more_than_is_taken_is_refused_and_evidence_may_be_larger() {
    let stand = Stand::with(|config| {
        config.limits.body = "1 KiB".parse().unwrap();
        config.limits.evidence = "4 KiB".parse().unwrap();
    })
    .await;
    let body = "x".repeat(2000);
    let refused = stand.send("rita", "POST /api/v1/deployments", &["content-type: application/json"], &body).await;
    assert_eq!((refused.status, refused.header("content-type")), (413, Some("application/problem+json")));
    let put = "PUT /api/v1/deployments/d-1/evidence/log";
    // It is read, and then there is no such deployment.
    assert_eq!(stand.send("rita", put, &["content-type: text/plain"], &body).await.status, 404);
    assert_eq!(stand.send("rita", put, &["content-type: text/plain"], &"x".repeat(5000)).await.status, 413);
}

#[tokio::test]
async fn what_belongs_to_other_teams_is_not_there() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let mut other = person("eve", &["release-manager"]);
    other.teams = lockgate_domain::Teams::Named(["search".parse().unwrap()].into());
    let storage = stand.storage();
    let secret = token(&*storage, &other);
    drop(storage);
    let line = format!("GET /api/v1/deployments/d-1 HTTP/1.1\r\nauthorization: Bearer {secret}");
    assert_eq!(exchange(stand.running.address(), &line, "").await.status, 404);
    let line = format!("GET /api/v1/deployments HTTP/1.1\r\nauthorization: Bearer {secret}");
    assert_eq!(exchange(stand.running.address(), &line, "").await.json()["items"], json!([]));
}

#[tokio::test]
async fn parameters_that_do_not_exist_are_told() {
    let stand = Stand::new().await;
    let wrong =
        ["limit=0", "limit=201", "stat=x", "status=done", "stage=fulfil", "cursor=-1", "cursor=9007199254740992"];
    for path in wrong.map(|query| format!("/deployments?{query}")) {
        let refused = stand.get("rita", &path).await;
        assert_eq!((refused.status, refused.header("content-type")), (400, Some("application/problem+json")), "{path}");
    }
    assert_eq!(stand.pass("d-1", "fulfil/exit").await.status, 404);
}

#[tokio::test]
async fn a_refused_parameter_is_named_with_what_to_write() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let gate = "/deployments/d-1/gates/plan-and-approve/entrance";
    for (line, detail) in [
        (format!("POST /api/v1{gate}?wait=20"), "`wait=20` needs a unit, for example `20s`"),
        (format!("POST /api/v1{gate}?wait=1s&until=later"), "`until=later` is not one of `decided`, `allow`"),
        (format!("POST /api/v1{gate}?aks=true"), "unknown parameter `aks`: did you mean `ask`?"),
        (format!("POST /api/v1{gate}?ask=true&ask=true"), "the parameter `ask` appears twice: keep one of the two"),
        (
            "GET /api/v1/deployments/d-1/wait?timeout=soon".to_owned(),
            "`timeout=soon` is not a length of time: write amounts with the units w, d, h, m, s or ms, longest first, for example `90d` or `1h 30m`",
        ),
        (
            "GET /api/v1/deployments?limit=many".to_owned(),
            "`limit=many` is not a whole number from 0 to 18446744073709551615",
        ),
        ("DELETE /api/v1/delegations".to_owned(), "the parameter `from` is required"),
        ("GET /api/v1/audit/consistency".to_owned(), "the parameter `from` is required"),
        ("GET /api/v1/audit/inclusion/first".to_owned(), "`first` in the path is not a whole number"),
        (
            "GET /v1/data/lockgate/plan-and-approve/entrance?input=a&input=b".to_owned(),
            "the parameter `input` appears twice",
        ),
    ] {
        let who = if line.contains("/audit/") {
            "gus"
        } else if line.starts_with("DELETE") {
            "ada"
        } else {
            "rita"
        };
        let refused = stand.send(who, &line, &[], "").await;
        assert_eq!((refused.status, refused.header("content-type")), (400, Some("application/problem+json")), "{line}");
        let said = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(said.starts_with(detail), "{line}: {said}");
    }
}

/// What serde says, in the words of Rust, never reaches a client.
#[tokio::test]
async fn a_document_of_the_wrong_shape_is_told_in_plain_words() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    for (who, line, body, pointer, message) in [
        (
            "ben",
            "POST /api/v1/deployments/d-1/approvals",
            "{\"role\": \"change-authority\", \"answer\": \"approved\"}",
            "/subject",
            "`subject` is required",
        ),
        (
            "rita",
            "POST /api/v1/deployments/d-1/activities",
            "{}",
            "",
            "expected a list of activities, `[{…}]`, got an object",
        ),
        ("rita", "POST /api/v1/deployments/d-1/activities", "[1]", "/0", "expected an object, got the number `1`"),
        (
            "rita",
            "POST /api/v1/deployments/d-1/moves",
            "{\"move\": \"stop\", \"reason\": \"r\"}",
            "/move",
            "`stop` is not one of",
        ),
        ("rita", "POST /api/v1/deployments", "[]", "", "expected an object, got a list"),
        (
            "rita",
            "POST /api/v1/deployments",
            "{\"deployment\": {\"id\": 7}}",
            "/deployment/id",
            "expected a text, got the number `7`",
        ),
        (
            "rita",
            "PATCH /api/v1/deployments/d-1",
            "{\"chnge\": {}}",
            "/chnge",
            "unknown key `chnge`: did you mean `change`?",
        ),
        (
            "rita",
            "PATCH /api/v1/deployments/d-1",
            "{\"change\": {\"risk\": 1}}",
            "/change/risk",
            "expected one of `low`",
        ),
        ("ben", "POST /api/v1/waivers", "{\"reason\": \"r\"}", "/ticket", "`ticket` is required"),
    ] {
        let refused = stand.send(who, line, &["content-type: application/json"], body).await;
        let problem = refused.json();
        let said = problem["errors"][0]["message"].as_str().unwrap_or_default();
        assert_eq!(
            (refused.status, problem["errors"][0]["pointer"].as_str()),
            (422, Some(pointer)),
            "{line}: {problem}"
        );
        assert!(said.starts_with(message), "{line}: {said}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
    }
}

/// The waivers of a document have more members than those that are granted here.
#[tokio::test]
async fn all_that_the_server_sets_is_refused_at_once_in_the_waiver_of_a_document() {
    let stand = Stand::new().await;
    let waiver = json!({
        "id": "w-1", "owner": "ben", "granted": "2026-01-01T00:00:00Z", "expires": "2999-01-01T00:00:00Z", "reason": "agreed",
        "ticket": "CHG-1", "scope": { "bindings": ["people"], "product": "shop" },
    });
    let refused = stand.post("ben", "/waivers", waiver).await;
    let problem = refused.json();
    let mut places: Vec<&str> = Vec::new();
    for error in problem["errors"].as_array().unwrap() {
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with("the server sets `") && message.ends_with(": leave it out"), "{message}");
        places.push(error["pointer"].as_str().unwrap());
    }
    places.sort_unstable();
    assert_eq!((refused.status, places), (422, vec!["/granted", "/id", "/owner"]), "{problem}");
}

/// Clients take `.` and `..` out of a path before they send it, `%2e` as well.
#[tokio::test]
async fn what_no_client_could_ask_for_is_not_made() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    for id in [".", ".."] {
        let refused = stand.post("rita", "/deployments", json!({"deployment": deployment(id)})).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/deployment/id")), "{id}");
        for written in [id.to_owned(), id.replace('.', "%2e")] {
            let line = format!("PUT /api/v1/deployments/d-1/evidence/{written}");
            let refused = stand.send("rita", &line, &["content-type: text/plain"], "a").await;
            assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/name")), "{line}");
        }
    }
    for id in ["...", ".a", "a..", "-", ":"] {
        stand.request(id).await;
        assert_eq!(stand.get("rita", &format!("/deployments/{id}")).await.status, 200, "{id}");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_makes_no_difference() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let gate = "/v1/data/lockgate/plan-and-approve/entrance";
    let body = r#"{"input": {"deployment": "d-1"}}"#;
    for path in [gate.to_owned(), format!("{gate}/verdict"), format!("{gate}/verdict/"), format!("{gate}/")] {
        let answer = stand.send("rita", &format!("POST {path}"), &["content-type: application/json"], body).await;
        let result = answer.json()["result"].clone();
        let verdict = if result.is_object() { &result["verdict"] } else { &result };
        assert_eq!((answer.status, verdict), (200, &json!("allow")), "{path}: {}", answer.body);
    }
    for path in
        ["/v1/data", "/v1/data/", "/v1/data/?pretty", "/openapi.json/", "/livez/", "/readyz/", "/health/?plugins"]
    {
        assert_eq!(stand.send("rita", &format!("GET {path}"), &[], "").await.status, 200, "{path}");
    }
    for path in ["/deployments/", "/deployments/?limit=1", "/deployments/d-1/", "/me/", "/deployments/d-1/events/"] {
        assert_eq!(stand.get("rita", path).await.status, 200, "{path}");
    }
    let new = json!({"deployment": deployment("d-2")});
    assert_eq!(stand.post("rita", "/deployments/", new).await.status, 201);
    // The rights are those of the path without it.
    assert_eq!(stand.get("rita", "/audit/head/").await.status, stand.get("rita", "/audit/head").await.status);
    assert_eq!(stand.send_with(&[], "GET /api/v1/me/", "").await.status, 401);
    for path in ["//", "/api/v1/deployments//", "/api/v1/nothing/"] {
        assert_eq!(stand.send("rita", &format!("GET {path}"), &[], "").await.status, 404, "{path}");
    }
    // And so is its name in the metrics.
    let metrics = stand.metrics().await;
    let routes = metrics.lines().filter_map(|line| line.split("route=\"").nth(1)?.split('"').next());
    let odd: Vec<&str> = routes.filter(|route| route.ends_with('/')).collect();
    assert_eq!(odd, Vec::<&str>::new());
    assert!(metrics.contains("route=\"/api/v1/deployments/{id}\""), "{metrics}");
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_that_it_has() {
    let stand = Stand::new().await;
    let rows = lockgate_server::api::route_rows();
    let paths: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.path).collect();
    for path in paths {
        let filled: Vec<&str> = path.split('/').map(|step| if step.starts_with('{') { "x" } else { step }).collect();
        for method in ["PUT", "BREW"] {
            let methods: Vec<String> =
                rows.iter().filter(|row| row.path == path).map(|row| row.method.to_string()).collect();
            if methods.iter().any(|known| known == method) {
                continue;
            }
            let line = format!("{method} {} HTTP/1.1", filled.join("/"));
            let refused = exchange(stand.running.address(), &line, "").await;
            assert_eq!(refused.status, 405, "{line}: {}", refused.body);
            let detail = refused.json()["detail"].as_str().unwrap_or_default().to_owned();
            let allow = refused.header("allow").unwrap_or_default().to_owned();
            for known in methods {
                assert!(allow.split(',').any(|allowed| allowed.trim() == known), "{line}: {allow}");
                assert!(detail.contains(&format!("`{known}`")), "{line}: {}", refused.body);
            }
        }
    }
}

#[tokio::test]
async fn a_page_without_items_is_refused_by_every_list() {
    let stand = Stand::new().await;
    let document = lockgate_server::api::openapi();
    let mut lists = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
        if !parameters.into_iter().any(|parameter| parameter["name"] == "limit") {
            continue;
        }
        lists += 1;
        let path = path.replace("{register}", "changes").replace(['{', '}'], "");
        let refused = stand.send("ada", &format!("GET {path}?limit=0"), &[], "").await;
        assert_eq!(refused.status, 400, "{path}: {}", refused.body);
        assert!(refused.body.contains("`limit=0` is not a whole number from 1 to"), "{path}: {}", refused.body);
    }
    assert!(lists > 10, "{lists}");
}

#[tokio::test]
async fn a_very_long_id_is_not_repeated_whole() {
    let stand = Stand::new().await;
    let long = "x".repeat(3000);
    let mut wrong = deployment(&long);
    wrong["change"]["id"] = json!(long);
    for refused in [
        stand.get("rita", &format!("/deployments/{long}")).await,
        stand.get("rita", &format!("/registers/changes/{long}")).await,
        stand.get("rita", &format!("/registers/{long}")).await,
        stand.get("rita", &format!("/deployments?limit={long}")).await,
        stand.get("rita", &format!("/deployments?{long}=1")).await,
        stand.post("rita", "/deployments", json!({"deployment": wrong})).await,
    ] {
        assert!((400..500).contains(&refused.status), "{}", refused.body);
        assert!(refused.body.len() < 2000 && !refused.body.contains(&"x".repeat(401)), "{}", refused.body);
    }
}
