//! `lockgate serve`: the policy endpoint.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use lockgate_server::config::{ConfigError, ConfigFlag, ConfigInput};
use lockgate_server::serve::{FirstToken, RunningServer};

use crate::exit::Exit;
use crate::options::Global;
use crate::{print, terminal};

/// What is to be different from the file and the environment.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The configuration. Without it: what `LOCKGATE_CONFIG` says, or `lockgate.toml` in the working directory, if it is
    /// there.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Shows the configuration that is in effect, and where each value came from; starts nothing.
    #[arg(long)]
    print_config: bool,
    /// The address and port to listen on [default: 127.0.0.1:8181]. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The folder of the ledger and its key [default: lockgate-data].
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// The files of the deployment models, with commas between [default: models/*.toml].
    #[arg(long, value_name = "PATTERNS")]
    models: Option<String>,
    /// The chain of certificates for TLS, as PEM.
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// The private key that belongs to it, as PEM.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// The authorities that sign client certificates, as PEM.
    #[arg(long, value_name = "FILE")]
    tls_client_ca: Option<String>,
    /// The form of the log on standard error: `text` or `json`.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Lets everybody in as an administrator, to try things out. Only on a loopback address.
    #[arg(long)]
    insecure_no_auth: bool,
    /// Sets any key of the configuration, for example `limits.body=2MiB`. Can be given more than once.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as `key=value`, for example `limits.body=2MiB`")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl Serve {
    /// Serves until a signal ends it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let print_config = self.print_config;
        let loaded = match self.written(global).and_then(|written| written.load()) {
            Ok(loaded) => loaded,
            Err(error) => {
                print::words(format!("{}: {}", terminal::styled(terminal::BAD, "error"), error));
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

    fn written(self, global: &Global) -> Result<ConfigInput, ConfigError> {
        // A variable that is not Unicode cannot be meant.
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

/// Hands over the first administrator's token, and then says where it listens: a program that has read this line finds
/// the token in its file.
fn started(running: &RunningServer) {
    match running.first_token() {
        Some(token) if std::io::stderr().is_terminal() => print::words(banner(token, &running.url())),
        Some(token) => leave(token),
        None => {}
    }
    // Nobody may be reading: it serves all the same.
    let _ = print::data(format!("listening on {}", running.url()));
}

/// What a person is told at the first start.
fn banner(token: &FirstToken, url: &str) -> String {
    let lines = [
        "This is the first start. The administrator's token, shown this once:".to_owned(),
        String::new(),
        format!("  {}", token.expose()),
        String::new(),
        "It expires in a day, and it administers: it neither decides nor approves. Issue tokens for others:".to_owned(),
        "  lockgate token create --help".to_owned(),
        "Commands that talk to the server find it, and the token, in the environment:".to_owned(),
        format!("  export LOCKGATE_SERVER={url} LOCKGATE_TOKEN=…"),
    ];
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let bar = "─".repeat(width + 2);
    let rows = lines.iter().map(|line| format!("│ {line:<width$} │")).collect::<Vec<_>>().join("\n");
    format!("┌{bar}┐\n{rows}\n└{bar}┘")
}

/// Leaves the token in its file, where nobody sees a terminal: what is said there ends up in logs that many can read.
fn leave(token: &FirstToken) {
    let file = token.file().display();
    match token.write() {
        Ok(()) => {
            tracing::info!(%file, "this is the first start: the administrator's token is in a file, and expires in a day")
        }
        Err(error) => tracing::error!(
            %file,
            %error,
            "this is the first start, and the administrator's token cannot be left in its file: issue one with \
             `lockgate token create --role administrator`"
        ),
    }
}
