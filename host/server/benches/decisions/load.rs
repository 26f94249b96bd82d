//! The generator: `oha`, of the version that `cargo xtask bench-http` installs.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::serve::{DEPLOYMENTS, Place, id};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// A handler that does nothing, on axum alone.
    Nothing,
    /// The same, behind the layers and credentials of the server.
    NothingBehindLayers,
    /// A gate with one plugin, which says the same at any moment: it is called once for each deployment.
    OnePlugin,
    /// A gate with one plugin that looks at the time: it is called for each decision.
    OneEachTime,
    /// A gate with three.
    ThreePlugins,
    /// A gate with one, asked for sixteen deployments in one request.
    Sixteen,
    /// A gate with `one` or `three`, computed in a certain way.
    Way(&'static str, &'static str),
}

impl Case {
    pub(crate) const ALL: [Self; 6] = [
        Self::Nothing,
        Self::NothingBehindLayers,
        Self::OnePlugin,
        Self::OneEachTime,
        Self::ThreePlugins,
        Self::Sixteen,
    ];

    /// The one of that name; none if it decides nothing.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|case| case.decides() && case.file() == name)
    }

    pub(crate) fn decides(self) -> bool {
        matches!(self, Self::OnePlugin | Self::OneEachTime | Self::ThreePlugins | Self::Sixteen)
    }

    /// How many answers a request is given.
    fn answers(self) -> usize {
        if self == Self::Sixteen { 16 } else { 1 }
    }

    /// Where the bodies of its requests are.
    fn file(self) -> &'static str {
        match self {
            Self::OneEachTime => "each-time",
            Self::ThreePlugins => "three",
            Self::Sixteen => "sixteen",
            _ => "one",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::ThreePlugins => "plan-and-approve.exit",
            Self::OneEachTime => "fulfill.entrance",
            _ => "plan-and-approve.entrance",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "no-op on axum",
            Self::NothingBehindLayers => "no-op behind the layers",
            Self::OnePlugin => "one plugin",
            Self::OneEachTime => "one plugin that looks at the time",
            Self::ThreePlugins => "three plugins",
            Self::Sixteen => "one plugin, sixteen in a request",
            Self::Way(way, _) => way,
        })
    }
}

/// What came of it.
pub(crate) struct Measured {
    /// Answers a second.
    pub(crate) rate: f64,
    /// In milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Requests that were not answered, or not with 200.
    pub(crate) failed: u64,
}

/// Puts load on a server.
pub(crate) struct Load {
    place: Place,
    oha: PathBuf,
    folder: Arc<tempfile::TempDir>,
}

impl Load {
    pub(crate) fn new(place: &Place) -> Self {
        let oha = std::env::var_os("OHA").map_or_else(|| PathBuf::from("oha"), PathBuf::from);
        let folder = tempfile::tempdir().unwrap();
        for case in Case::ALL.into_iter().filter(|case| case.decides()) {
            // Each line is the body of a request; they are taken in turns, so that not all ask about the same deployment.
            let bodies: Vec<String> = (0..DEPLOYMENTS).map(|number| body(case, number).to_string()).collect();
            std::fs::write(folder.path().join(case.file()), bodies.join("\n")).unwrap();
        }
        Self { place: place.clone(), oha, folder: Arc::new(folder) }
    }

    /// The same load for another server.
    pub(crate) fn at(&self, place: &Place) -> Self {
        Self { place: place.clone(), oha: self.oha.clone(), folder: Arc::clone(&self.folder) }
    }

    /// As fast as it goes: each connection asks again as soon as it is answered.
    pub(crate) fn run(&self, case: Case, connections: u32, time: Duration) -> Measured {
        self.run_at(case, connections, time, None)
    }

    /// So many requests a second, if that is given; how long each took is then counted from when it was to be sent.
    pub(crate) fn run_at(&self, case: Case, connections: u32, time: Duration, rate: Option<u64>) -> Measured {
        let Place { url, bare, token, .. } = &self.place;
        let address = match case {
            Case::Nothing => format!("{bare}/nothing"),
            Case::NothingBehindLayers => format!("{url}/nothing"),
            Case::OnePlugin | Case::OneEachTime | Case::ThreePlugins => format!("{url}/access/v1/evaluation"),
            Case::Sixteen => format!("{url}/access/v1/evaluations"),
            Case::Way(way, plugins) => format!("{bare}/ways/{way}/{plugins}"),
        };
        let mut command = Command::new(&self.oha);
        command.args(["--no-tui", "--output-format", "json", "--no-color", "-m", "POST", "-T", "application/json"]);
        command.args(["-c", &connections.to_string(), "-z", &format!("{}s", time.as_secs())]);
        command.args(["-H", &format!("Authorization: Bearer {token}")]);
        if let Some(rate) = rate {
            command.args(["-q", &rate.to_string(), "--latency-correction"]);
        }
        command.arg("-Z").arg(self.folder.path().join(case.file())).arg(address);
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.expect("`oha` cannot be started: run `cargo xtask bench-http`, which installs it");
        assert!(output.status.success(), "oha: {}", output.status);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let seconds = |pointer: &str| told.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let count = |name: &str, wanted: &dyn Fn(&str) -> bool| {
            let all = told[name].as_object().into_iter().flatten().filter(|(key, _)| wanted(key));
            all.filter_map(|(_, count)| count.as_u64()).sum::<u64>()
        };
        // What is under way when the time is over is no failure.
        let failed = count("statusCodeDistribution", &|status| status != "200")
            + count("errorDistribution", &|error| !error.contains("deadline"));
        Measured {
            rate: seconds("/summary/requestsPerSec") * case.answers() as f64,
            p50: 1000.0 * seconds("/latencyPercentiles/p50"),
            p99: 1000.0 * seconds("/latencyPercentiles/p99"),
            failed,
        }
    }
}

fn body(case: Case, number: usize) -> Value {
    let resource = |number: usize| json!({"type": "deployment", "id": id(number % DEPLOYMENTS)});
    let mut body = json!({"subject": {"type": "service", "id": "pipeline"}, "action": {"name": case.action()}});
    if case == Case::Sixteen {
        let evaluations = (0..case.answers()).map(|more| json!({"resource": resource(number + more)}));
        body["evaluations"] = evaluations.collect();
    } else {
        body["resource"] = resource(number);
    }
    body
}
