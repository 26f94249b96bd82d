//! What a client sends.

use lockgate_client::{Answered, RequestBody, RequestPath};
use serde_json::{Value, json};

use crate::support::{answer, client, serve};

#[test]
fn a_get_carries_the_token_and_the_escaped_path() {
    let (server, asked) = serve(vec![answer("200 OK", "", "{\"size\": 2}")]);
    let path = RequestPath::new("/api/v1/audit").segment("a b").query("id", "dec #1%");
    let document: Value = client(&server).get(&path).unwrap();
    assert_eq!(document, json!({ "size": 2 }));
    let asked = asked.recv().unwrap();
    assert!(asked.head.starts_with("get /api/v1/audit/a%20b?id=dec%20%231%25 http/1.1\n"), "{}", asked.head);
    assert_eq!(asked.header("authorization"), Some("bearer lgt_0123456789ab_secret"));
    assert_eq!((asked.header("idempotency-key"), asked.header("content-type")), (None, None));
}

#[test]
fn a_server_below_a_path_is_asked_there() {
    let (server, asked) = serve(vec![answer("200 OK", "", "{}")]);
    client(&format!("{server}/lockgate/")).get::<Value>(&RequestPath::new("/api/v1/me")).unwrap();
    assert!(asked.recv().unwrap().head.starts_with("get /lockgate/api/v1/me "));
}

#[test]
fn a_post_carries_its_document_and_a_key_of_its_own() {
    let (server, asked) = serve(vec![answer("201 Created", "", "{\"id\": 7}"), answer("200 OK", "", "{}")]);
    let client = client(&server);
    let document: Value = client.post(&RequestPath::new("/api/v1/waivers"), &json!({ "reason": "agreed" })).unwrap();
    assert_eq!(document, json!({ "id": 7 }));
    client.post_empty::<Value>(&RequestPath::new("/api/v1/reload")).unwrap();
    let (first, second) = (asked.recv().unwrap(), asked.recv().unwrap());
    assert!(first.head.starts_with("post /api/v1/waivers "), "{}", first.head);
    assert_eq!(
        (first.header("content-type"), first.body.as_str()),
        (Some("application/json"), "{\"reason\":\"agreed\"}")
    );
    assert_eq!((second.header("content-type"), second.body.as_str()), (None, ""));
    let [first, second] = [first, second].map(|asked| asked.header("idempotency-key").unwrap().to_owned());
    assert!(first.len() == 32 && first != second, "{first} {second}");
}

#[test]
fn a_busy_server_is_asked_again_with_the_same_key() {
    let busy = || answer("503 Service Unavailable", "Retry-After: 0\r\n", "");
    let (server, asked) =
        serve(vec![busy(), answer("429 Too Many Requests", "Retry-After: 0\r\n", ""), answer("200 OK", "", "{}")]);
    client(&server).post::<Value>(&RequestPath::new("/api/v1/waivers"), &json!({})).unwrap();
    let keys: Vec<String> = asked.iter().map(|asked| asked.header("idempotency-key").unwrap().to_owned()).collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_server_that_stays_busy_is_asked_five_times() {
    let (server, asked) = serve(vec![answer("503 Service Unavailable", "Retry-After: 0\r\n", ""); 6]);
    let error = client(&server).get::<Value>(&RequestPath::new("/api/v1/me")).unwrap_err();
    assert_eq!(error.refusal().unwrap().status(), 503);
    assert_eq!(asked.try_iter().count(), 5);
}

#[test]
fn a_busy_server_that_does_not_say_when_is_not_asked_again() {
    let (server, _) = serve(vec![answer("503 Service Unavailable", "", "")]);
    let error = client(&server).get::<Value>(&RequestPath::new("/api/v1/me")).unwrap_err();
    assert_eq!(error.refusal().unwrap().status(), 503);
}

#[test]
fn a_put_and_a_delete_may_depend_on_a_version() {
    let (server, asked) = serve(vec![answer("200 OK", "", "{\"version\": 8}"); 4]);
    let (client, path) = (client(&server), RequestPath::new("/api/v1/registers/changes").segment("CHG 1"));
    let document: Value = client.put(&path, &json!({ "value": {} }), Some(7)).unwrap();
    assert_eq!(document, json!({ "version": 8 }));
    client.put::<Value>(&path, &json!({}), None).unwrap();
    client.delete::<Value>(&path, Some(8)).unwrap();
    client.delete::<Value>(&path, None).unwrap();
    let asked: Vec<_> = asked.iter().collect();
    let [put, any_put, delete, any_delete] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(put.head.starts_with("put /api/v1/registers/changes/chg%201 "), "{}", put.head);
    assert_eq!((put.header("content-type"), put.body.as_str()), (Some("application/json"), "{\"value\":{}}"));
    assert_eq!((put.header("if-match"), any_put.header("if-match")), (Some("\"7\""), None));
    assert!(delete.head.starts_with("delete /api/v1/registers/changes/chg%201 "), "{}", delete.head);
    assert_eq!((delete.header("if-match"), any_delete.header("if-match")), (Some("\"8\""), None));
    assert_eq!((delete.header("content-type"), delete.body.as_str()), (None, ""));
    let keys: Vec<_> = asked.iter().map(|asked| asked.header("idempotency-key").unwrap()).collect();
    assert!(keys.iter().all(|key| key.len() == 32) && keys[0] != keys[1] && keys[2] != keys[3], "{keys:?}");
}

#[test]
fn a_body_of_another_type_is_posted_with_the_given_key() {
    let repeated = answer("200 OK", "Idempotent-Replayed: true\r\n", "{\"written\": 2}");
    let (server, asked) = serve(vec![answer("200 OK", "", "{\"written\": 2}"), repeated]);
    let client = client(&server);
    let post = || {
        let body = RequestBody { media_type: "application/x-ndjson", bytes: b"{}\n{}\n".to_vec() };
        client.post_body::<Value>(&RequestPath::new("/api/v1/registers/changes"), body, "import-1").unwrap()
    };
    assert_eq!(post(), Answered { document: json!({ "written": 2 }), is_repeated: false });
    assert_eq!(post(), Answered { document: json!({ "written": 2 }), is_repeated: true });
    let asked = asked.recv().unwrap();
    assert_eq!((asked.header("content-type"), asked.body.as_str()), (Some("application/x-ndjson"), "{}\n{}\n"));
    assert_eq!(asked.header("idempotency-key"), Some("import-1"));
}

#[test]
fn a_busy_server_gets_a_put_again_with_the_same_key_and_version() {
    let (server, asked) =
        serve(vec![answer("503 Service Unavailable", "Retry-After: 0\r\n", ""), answer("200 OK", "", "{}")]);
    client(&server).put::<Value>(&RequestPath::new("/api/v1/registers/changes"), &json!({}), Some(1)).unwrap();
    let sent: Vec<String> = asked.iter().map(|asked| format!("{}\n{}", asked.head, asked.body)).collect();
    assert!(sent.len() == 2 && sent[0] == sent[1], "{sent:?}");
}
