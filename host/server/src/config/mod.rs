//! The configuration: one TOML file, environment variables, flags. The later ones take precedence over the earlier ones, key by
//! key.
//!
//! All mistakes are reported at once, each with its place ([`ConfigError`]). The libraries for layered configuration
//! (`figment`, `config`) stop at the first mistake, know no columns, and cannot tell an unknown variable from a
//! misspelt one. Therefore this module puts the layers together itself. The types are the only list of settings:
//! `schema` comes from their JSON Schema, and `serde` reads the values at the end.
//!
//! 1. `located_value` reads the file, `overrides` the variables and flags: each value knows where it was written;
//! 2. `schema` checks them: unknown and missing keys, wrong types;
//! 3. `serde` reads texts with a grammar of their own, such as durations, and `cross_checks` checks what depends on
//!    several keys;
//! 4. `print` shows the result ([`LoadedConfig::to_toml`]) and the reference of all keys.
//!
//! The types are in `sections`, `auth` and `observe`.

mod auth;
mod cross_checks;
mod error;
mod located_value;
mod notifications;
mod observe;
mod overrides;
mod print;
mod schema;
mod sections;

use std::collections::BTreeMap;
use std::path::Path;

use lockgate_domain::{ValueError, read_value};

pub(crate) use self::auth::check_uri;
pub use self::auth::{
    AuthConfig, CertificateRule, ClaimRule, IssuerConfig, KeysConfig, PatternList, SigningAlgorithm, ThrottleConfig,
};
pub use self::error::{ConfigError, ConfigFault, SettingFault, SettingOrigin, SettingPath};
use self::located_value::LocatedValue;
pub use self::notifications::{NotificationsConfig, WebhookConfig};
pub(crate) use self::observe::check_url;
pub use self::observe::{
    DecisionLogConfig, HttpSinkConfig, InputKind, LogConfig, LogFormat, MaskOp, MaskRule, TraceConfig,
};
pub use self::print::reference;
use self::schema::SettingSchema;
pub use self::sections::{
    ByteSize, ClientAddress, ClientCertificate, Config, LedgerConfig, LimitsConfig, MetricsAccess, ObserveConfig,
    RecordingsConfig, ReloadConfig, RetentionConfig, StopsConfig, TlsConfig, TrustedProxiesConfig,
};

/// The file that is read if the user names none and it exists.
pub const FILE: &str = "lockgate.toml";

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 4 << 20;

/// The sources of the configuration.
#[derive(Clone, Debug, Default)]
pub struct ConfigInput {
    /// The name and the text of the file.
    pub file: Option<(String, String)>,
    /// The environment variables. Only those that begin with `LOCKGATE_` are used.
    pub variables: Vec<(String, String)>,
    pub flags: Vec<ConfigFlag>,
}

/// A flag of the command line that sets a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFlag {
    /// The name in messages: `--listen`.
    pub name: String,
    /// The key, as written in the file: `tls.certificate`.
    pub key: String,
    pub value: String,
}

impl ConfigInput {
    /// Reads a file: the named one, or [`FILE`] in the working directory if it exists.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read_file(&mut self, named: Option<&Path>) -> Result<(), ConfigError> {
        let path = match named {
            Some(path) => path,
            None if Path::new(FILE).exists() => Path::new(FILE),
            None => return Ok(()),
        };
        let fail = |message: String| {
            ConfigError::new(vec![ConfigFault::new(SettingOrigin::Default, format!("`{}`: {message}", path.display()))])
        };
        let size = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?.len();
        if size > LARGEST_FILE {
            return Err(fail(format!("{size} bytes are more than {LARGEST_FILE}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        self.file = Some((path.display().to_string(), text));
        Ok(())
    }

    /// Puts the configuration together.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn load(&self) -> Result<LoadedConfig, ConfigError> {
        let schema = SettingSchema::of_config();
        let mut faults = Vec::new();
        let (mut values, of_syntax) = match &self.file {
            Some((name, text)) => located_value::read_toml(name, text),
            None => (LocatedValue::empty(), Vec::new()),
        };
        let first_of_syntax = of_syntax.iter().map(|fault| fault.origin.clone()).min();
        for (name, text) in &self.variables {
            match overrides::by_variable(&schema, name, text) {
                Ok(set) => set.into_iter().for_each(|(path, value)| values.set(&path, value)),
                Err(fault) => faults.push(fault),
            }
        }
        let mut set_by: BTreeMap<Vec<String>, &str> = BTreeMap::new();
        for flag in &self.flags {
            match overrides::by_flag(&schema, &flag.name, &flag.key, &flag.value) {
                Ok((path, value)) => match set_by.insert(path.clone(), &flag.name) {
                    Some(first) => {
                        let message = match first == flag.name {
                            true => "it is given twice: give it once".to_owned(),
                            false => format!("`{first}` sets `{}`, too: give one of the two", path.join(".")),
                        };
                        faults.push(ConfigFault::new(SettingOrigin::Flag(flag.name.clone()), message));
                    }
                    None => values.set(&path, value),
                },
                Err(fault) => faults.push(fault),
            }
        }
        schema::check(&mut values, &schema, &SettingPath::default(), &mut faults);
        let origins = values.clone();
        let config = read(&mut values, &mut faults);
        if let Some(config) = &config {
            faults.extend(cross_checks::check(config, &values));
        }
        // After a mistake in the syntax, keys may be in other tables than they seem to be.
        if let Some(first) = first_of_syntax {
            faults.retain(|fault| !matches!(fault.origin, SettingOrigin::File { .. }) || fault.origin < first);
            faults.extend(of_syntax);
        }
        match config {
            Some(config) if faults.is_empty() => Ok(LoadedConfig { config, origins }),
            _ => Err(ConfigError::new(faults)),
        }
    }
}

/// Reads the types. Removes values that they refuse, so that the rest can be read.
fn read(values: &mut LocatedValue, faults: &mut Vec<ConfigFault>) -> Option<Config> {
    loop {
        let ValueError { pointer, fault } = match read_value::<Config>(&values.to_json()) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let path = values.path_of(&pointer);
        faults.push(ConfigFault::new(values.origin_of(&path.0).clone(), format!("`{path}`: {fault}")));
        if !values.remove(&path.0) {
            return None;
        }
    }
}

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct LoadedConfig {
    pub config: Config,
    origins: LocatedValue,
}

impl LoadedConfig {
    /// The configuration in effect as TOML, each value with its origin, without secrets.
    pub fn to_toml(&self) -> String {
        print::print(&SettingSchema::of_config(), &self.config.to_json(), &self.origins)
    }
}
