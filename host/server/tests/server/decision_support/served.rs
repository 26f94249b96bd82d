//! A server that answers, and how it is asked.

use std::sync::{Arc, mpsc};

use lockgate_ledger::Storage;
use lockgate_server::config::{Config, MetricsAccess, ObserveConfig};
use lockgate_server::serve::{RunningServer, Server};
use lockgate_service::DeploymentService;
use lockgate_service::authority::Actor;
use serde_json::Value;
use tempfile::TempDir;

use crate::decision_support::{MODEL, catalogue, deployment, person, register, routes, token};

/// A server on a free port, with the deployments `shop-1` and `shop-2`.
pub(crate) struct Served {
    pub(crate) engine: DeploymentService,
    storage: Arc<dyn Storage>,
    url: String,
    token: String,
    agent: ureq::Agent,
    /// Behind all that uses the ledger, because a server that is shut down waits until nobody does.
    _shutdown: Shutdown,
    _folder: TempDir,
}

/// Shuts the server down when it is dropped.
struct Shutdown {
    runtime: tokio::runtime::Runtime,
    running: Option<RunningServer>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Served {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let observe = ObserveConfig { metrics: MetricsAccess::Open, ..ObserveConfig::default() };
        let data = folder.path().join("data");
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), data, observe, ..Config::default() };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (prepared, preparation) = mpsc::channel();
        let models = catalogue(folder.path(), MODEL);
        let server = Server::new(config).with_routes(move |state| {
            let (routes, engine) = routes(state, Arc::clone(&state.storage), Arc::new(models));
            prepared.send((engine, Arc::clone(&state.storage))).unwrap();
            routes
        });
        let running = runtime.block_on(server.start()).unwrap();
        let (engine, storage) = preparation.recv().unwrap();
        register(&engine, deployment("shop-1"));
        let mut elsewhere = deployment("shop-2");
        elsewhere["release"]["components"][0]["origin"] = "git+https://elsewhere.example/shop@1".into();
        register(&engine, elsewhere);
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let url = running.url();
        let shutdown = Shutdown { runtime, running: Some(running) };
        let mut served =
            Self { engine, storage, url, token: String::new(), agent, _shutdown: shutdown, _folder: folder };
        served.token = served.token_of(&person("pipeline", &["pipeline"]));
        served
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn token_of(&self, actor: &Actor) -> String {
        token(&*self.storage, actor)
    }

    pub(crate) fn entries(&self) -> u64 {
        self.storage.head().unwrap().size
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("authorization", &format!("Bearer {}", self.token))], &body.to_string())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("authorization", &format!("Bearer {}", self.token))], "")
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if method == "POST" && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answered = match method {
            "GET" => self.agent.run(request.body(()).unwrap()),
            _ => self.agent.run(request.body(body.to_owned()).unwrap()),
        };
        let mut answered = answered.unwrap();
        Answer {
            status: answered.status().as_u16(),
            headers: answered.headers().clone(),
            text: answered.body_mut().read_to_string().unwrap(),
        }
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown());
        }
    }
}
