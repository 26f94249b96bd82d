//! An issuer on a real socket: its discovery document, its keys, and whether it answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::auth::keys::Key;

#[derive(Clone)]
pub(crate) struct Issuer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// None: it is down.
    keys: Mutex<Option<Vec<Value>>>,
    /// What it says instead of its own name.
    wrong_name: Mutex<Option<String>>,
    asked: AtomicUsize,
}

impl Issuer {
    pub(crate) async fn publishing(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = Self { address: listener.local_addr().unwrap(), shared: Arc::default() };
        issuer.publish(keys);
        let answering = issuer.clone();
        let routes = Router::new().fallback(move |uri: Uri| async move { answering.answer(uri.path()) });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        issuer
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        self.publish_all(keys.iter().map(|key| key.public()).collect());
    }

    pub(crate) fn publish_all(&self, keys: Vec<Value>) {
        *self.shared.keys.lock().unwrap() = Some(keys);
    }

    pub(crate) fn go_down(&self) {
        *self.shared.keys.lock().unwrap() = None;
    }

    pub(crate) fn call_itself(&self, name: &str) {
        *self.shared.wrong_name.lock().unwrap() = Some(name.to_owned());
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often its keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    fn answer(&self, path: &str) -> Response {
        let name = self.shared.wrong_name.lock().unwrap().clone().unwrap_or_else(|| self.url());
        match (path, &*self.shared.keys.lock().unwrap()) {
            ("/.well-known/openid-configuration", _) => {
                axum::Json(json!({ "issuer": name, "jwks_uri": format!("{}/keys", self.url()) })).into_response()
            }
            ("/keys", keys) => {
                self.shared.asked.fetch_add(1, Ordering::SeqCst);
                match keys {
                    Some(keys) => axum::Json(json!({ "keys": keys })).into_response(),
                    None => StatusCode::BAD_GATEWAY.into_response(),
                }
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }
}
