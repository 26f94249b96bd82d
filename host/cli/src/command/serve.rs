//! `lockgate serve`: runs the HTTP server.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use lockgate_server::config::{ConfigError, ConfigFlag, ConfigInput};
use lockgate_server::serve::{FirstToken, RunningServer};

use crate::exit::Exit;
use crate::options::GlobalOptions;
use crate::{print, terminal};

#[derive(Debug, clap::Args)]
pub(crate) struct ServeCommand {
    /// The configuration file [default: the environment variable `LOCKGATE_CONFIG`, or `./lockgate.toml` if it exists].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the effective configuration and the origin of each value, then exit.
    #[arg(long)]
    print_config: bool,
    /// The address and port to listen on [default: 127.0.0.1:8181]. Port 0 chooses a free port.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The data folder, with the ledger and its key [default: lockgate-data].
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// The files of the deployment models, separated by commas [default: models/*.toml].
    #[arg(long, value_name = "PATTERNS")]
    models: Option<String>,
    /// The TLS certificate chain (PEM).
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// The private key of the TLS certificate (PEM).
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// The certificate authorities for client certificates (PEM).
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
    /// The format of the log on standard error: `text` or `json`.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Accept every request as an administrator, without authentication. For trying things out, only on a loopback address.
    #[arg(long)]
    insecure_no_auth: bool,
    /// Set a configuration key, for example `limits.body=2MiB`. Repeatable.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as `key=value`, for example `limits.body=2MiB`")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl ServeCommand {
    /// Serves until a signal stops it.
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let print_config = self.print_config;
        let loaded = match self.written(global).and_then(|written| written.load()) {
            Ok(loaded) => loaded,
            Err(error) => {
                print::message(format!("{}: {}", terminal::styled(terminal::BAD, "error"), error));
                return Ok(Exit::InvalidInput);
            }
        };
        if print_config {
            print::data(loaded.to_toml().trim_end())?;
            return Ok(Exit::Success);
        }
        lockgate_server::serve::serve(loaded.config, started)?;
        Ok(Exit::Success)
    }

    fn written(self, global: &GlobalOptions) -> Result<ConfigInput, ConfigError> {
        // Variables that are not Unicode cannot be ours.
        let text = |value: std::ffi::OsString| value.into_string().ok();
        let variables = std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?)));
        let mut written = ConfigInput { variables: variables.collect(), ..ConfigInput::default() };
        let said = std::env::var_os("LOCKGATE_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        written.read_file(self.config.or(said).as_deref())?;
        let level = match global.verbose {
            _ if global.quiet => Some("error"),
            0 => None,
            1 => Some("debug"),
            _ => Some("trace"),
        };
        let named = [
            ("--quiet or --verbose", "observe.log.filter", level.map(str::to_owned)),
            ("--listen", "listen", self.listen),
            ("--data", "data", self.data),
            ("--models", "models", self.models),
            ("--tls-certificate", "tls.certificate", self.tls_certificate),
            ("--tls-key", "tls.key", self.tls_key),
            ("--tls-client-ca", "tls.client-ca", self.tls_client_ca),
            ("--log-format", "observe.log.format", self.log_format),
            ("--insecure-no-auth", "insecure-no-auth", self.insecure_no_auth.then(|| "true".to_owned())),
        ];
        let flag =
            |name: &str, key: &str, value: String| ConfigFlag { name: name.to_owned(), key: key.to_owned(), value };
        written.flags = named.into_iter().filter_map(|(name, key, value)| Some(flag(name, key, value?))).collect();
        written.flags.extend(self.set.into_iter().map(|(key, value)| flag(&format!("--set {key}"), &key, value)));
        Ok(written)
    }
}

/// Shows or writes the first administrator's token, and then prints the address: a program that has read the address can read the
/// token in its file.
fn started(running: &RunningServer) {
    match running.first_token() {
        Some(token) if std::io::stderr().is_terminal() => print::message(banner(token, &running.url())),
        Some(token) => write_token(token),
        None => {}
    }
    // The server also runs if nobody reads this.
    let _ = print::data(format!("listening on {}", running.url()));
}

/// The message of the first start.
fn banner(token: &FirstToken, url: &str) -> String {
    let lines = [
        "First start. This is the administrator's token; it is shown only once:".to_owned(),
        String::new(),
        format!("  {}", token.expose()),
        String::new(),
        "It expires in one day. An administrator token cannot decide or approve. Create tokens for others:".to_owned(),
        "  lockgate token create --help".to_owned(),
        "Commands that talk to the server read its address and the token from the environment:".to_owned(),
        format!("  export LOCKGATE_SERVER={url} LOCKGATE_TOKEN=…"),
    ];
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let bar = "─".repeat(width + 2);
    let rows = lines.iter().map(|line| format!("│ {line:<width$} │")).collect::<Vec<_>>().join("\n");
    format!("┌{bar}┐\n{rows}\n└{bar}┘")
}

/// Writes the token to its file where there is no terminal: standard error ends up in logs that many can read.
fn write_token(token: &FirstToken) {
    let file = token.file().display();
    match token.write() {
        Ok(()) => {
            tracing::info!(%file, "first start: the administrator's token is in this file; it expires in one day")
        }
        Err(error) => tracing::error!(
            %file,
            %error,
            "first start: cannot write the administrator's token to this file; create a token with \
             `lockgate token create --role administrator`"
        ),
    }
}
