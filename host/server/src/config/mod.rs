//! What can be configured, and where it comes from: one TOML file, variables of the environment, flags; the later ones
//! take precedence over the earlier ones, key by key.
//!
//! All mistakes are told at once, each with its place ([`ConfigError`]). The libraries for layered configuration
//! (`figment`, `config`) stop at the first mistake, know no columns, and cannot tell an unknown variable from one that is
//! misspelt; therefore the layers are put together here, in three hundred lines. The types are the only list of what there
//! is: `shape` reads it off their JSON Schema, and values are read by `serde` at the end.
//!
//! 1. `file` reads the file, `written` variables and flags: each value knows where it was written (`tree`);
//! 2. `check` holds them against the `shape`: unknown and missing keys, wrong types;
//! 3. `serde` reads what has a grammar of its own, such as a length of time, and [`Config`] is looked at as a whole;
//! 4. [`Loaded::to_toml`] shows what is in effect, and why.

mod check;
mod file;
mod mistake;
mod print;
mod reference;
mod sections;
mod shape;
mod size;
mod tree;
mod whole;
mod written;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lockgate_domain::{ValueError, read_value};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use self::mistake::{ConfigError, Mistake, Origin};
pub use self::reference::reference;
pub use self::sections::{
    ClientAddress, ClientCertificate, LedgerConfig, LimitsConfig, MetricsAccess, ObserveConfig, Recordings,
    ReloadConfig, RetentionConfig, TlsConfig, TrustedProxiesConfig,
};
use self::shape::Shape;
pub use self::size::Size;
use self::tree::{Node, dotted};
use crate::auth::AuthConfig;
use crate::observe::DecisionLogConfig;

/// The name of the file that is read if none is named, and it is there.
pub const FILE: &str = "lockgate.toml";

/// The most that is read of a file, in bytes.
const LARGEST_FILE: u64 = 4 << 20;

/// What can be configured. Every key has a default with which the endpoint works on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The name that the log of decisions goes by: its checkpoints and proofs bear it. It can be chosen once, when the
    /// ledger is made; a URL without its scheme is a good one, for example `deploy.example.com/lockgate`.
    pub name: String,
    /// The address and port to listen on. Port 0 takes a free one.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The folder of the ledger, of its key and of the cache. It is made if it is not there.
    #[schemars(extend("format" = "path"))]
    pub data: PathBuf,
    /// The files of the deployment models; `folder/*.toml` stands for all files of a folder. Without any model, nothing
    /// can be decided.
    #[schemars(extend("format" = "path"))]
    pub models: Vec<String>,
    /// Lets everybody in as an administrator, to try things out. Only on a loopback address.
    pub insecure_no_auth: bool,
    /// TLS. Without a certificate, the endpoint speaks plain HTTP.
    pub tls: TlsConfig,
    /// Whose word is taken for the address of a client.
    pub trusted_proxies: TrustedProxiesConfig,
    /// How much is taken, and for how long is waited.
    pub limits: LimitsConfig,
    /// Whose credentials are taken.
    pub auth: AuthConfig,
    /// The ledger.
    pub ledger: LedgerConfig,
    /// What can be seen of the server from outside.
    pub observe: ObserveConfig,
    /// Where decisions are sent to.
    pub decision_log: DecisionLogConfig,
    /// When models and plugins are loaded anew.
    pub reload: ReloadConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "lockgate".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8181)),
            data: PathBuf::from("lockgate-data"),
            models: vec!["models/*.toml".to_owned()],
            insecure_no_auth: false,
            tls: TlsConfig::default(),
            trusted_proxies: TrustedProxiesConfig::default(),
            limits: LimitsConfig::default(),
            auth: AuthConfig::default(),
            ledger: LedgerConfig::default(),
            observe: ObserveConfig::default(),
            decision_log: DecisionLogConfig::default(),
            reload: ReloadConfig::default(),
        }
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let message =
            format!("`{text}` is not an address with a port: write for example `127.0.0.1:8181` or `[::1]:8181`");
        D::Error::custom(message)
    })
}

/// What was written, wherever it was.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The file: its name and its text.
    pub file: Option<(String, String)>,
    /// The variables of the environment, all of them: those that begin with `LOCKGATE_` are looked at.
    pub variables: Vec<(String, String)>,
    /// The flags.
    pub flags: Vec<Flag>,
}

/// A flag of the command line that sets a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// As mistakes name it: `--listen`.
    pub name: String,
    /// The key, as it would stand in the file: `tls.certificate`.
    pub key: String,
    /// The text for it.
    pub value: String,
}

impl Written {
    /// Reads the file: the one that is named, or [`FILE`] in the working directory, if it is there.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_file(&mut self, named: Option<&Path>) -> Result<(), ConfigError> {
        let path = match named {
            Some(path) => path,
            None if Path::new(FILE).exists() => Path::new(FILE),
            None => return Ok(()),
        };
        let fail = |message: String| {
            ConfigError::new(vec![Mistake::new(Origin::Default, format!("`{}`: {message}", path.display()))])
        };
        let size = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
        if size > LARGEST_FILE {
            return Err(fail(format!("{size} bytes are more than {LARGEST_FILE}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        self.file = Some((path.display().to_string(), text));
        Ok(())
    }

    /// Puts it together.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let shape = Shape::of_config();
        let mut mistakes = Vec::new();
        let (mut tree, broken) = match &self.file {
            Some((name, text)) => file::read(name, text),
            None => (Node::empty(), Vec::new()),
        };
        let syntax = broken.iter().map(|mistake| mistake.origin.clone()).min();
        for (name, text) in &self.variables {
            match written::by_variable(&shape, name, text) {
                Ok(set) => set.into_iter().for_each(|(path, node)| tree.set(&path, node)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let mut set: BTreeMap<Vec<String>, &str> = BTreeMap::new();
        for flag in &self.flags {
            match written::by_flag(&shape, &flag.name, &flag.key, &flag.value) {
                Ok((path, node)) => match set.insert(path.clone(), &flag.name) {
                    Some(first) => {
                        let message = match first == flag.name {
                            true => "it is given twice: give it once".to_owned(),
                            false => format!("`{first}` sets `{}`, too: give one of the two", path.join(".")),
                        };
                        mistakes.push(Mistake::new(Origin::Flag(flag.name.clone()), message));
                    }
                    None => tree.set(&path, node),
                },
                Err(mistake) => mistakes.push(mistake),
            }
        }
        check::check(&mut tree, &shape, "", &mut mistakes);
        let origins = tree.clone();
        let config = read(&mut tree, &mut mistakes);
        if let Some(config) = &config {
            mistakes.extend(whole::mistakes(config, &tree));
        }
        // Behind a mistake of syntax, things are not where they seem to be.
        if let Some(first) = syntax {
            mistakes.retain(|mistake| !matches!(mistake.origin, Origin::File { .. }) || mistake.origin < first);
            mistakes.extend(broken);
        }
        match config {
            Some(config) if mistakes.is_empty() => Ok(Loaded { config, origins }),
            _ => Err(ConfigError::new(mistakes)),
        }
    }
}

/// Reads the types; what they refuse is taken out, so that the rest of it can be looked at.
fn read(tree: &mut Node, mistakes: &mut Vec<Mistake>) -> Option<Config> {
    loop {
        let ValueError { pointer, fault } = match read_value::<Config>(&tree.to_json()) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let path = tree.steps(&pointer);
        mistakes.push(Mistake::new(tree.origin_of(&path).clone(), format!("`{}`: {fault}", dotted(&path))));
        if !tree.remove(&path) {
            return None;
        }
    }
}

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// It.
    pub config: Config,
    origins: Node,
}

impl Loaded {
    /// The configuration as TOML, each value with where it came from. Secrets are not in it.
    pub fn to_toml(&self) -> String {
        // The types of the configuration can all be written as JSON.
        let values = serde_json::to_value(&self.config).unwrap_or_default();
        print::print(&Shape::of_config(), &values, &self.origins)
    }
}
