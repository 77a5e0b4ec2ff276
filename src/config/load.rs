//! From a file and an environment to a checked [`Config`], or to every fault in them.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::fault::{Fault, Faults};
use super::layer::{Environment, Layers};
use super::table::{Review, Table};
use super::{Config, Spool, sink, source};

/// Where the file is when nobody says otherwise.
const SYSTEM_PATH: &str = "/etc/auditferry/auditferry.toml";
/// Bytes of the file at most: a thousand sources fit.
const LARGEST: u64 = 1024 * 1024;
/// Bytes of `server.token` at least: 128 bits, if they are random, are beyond guessing.
const SHORTEST_TOKEN: usize = 16;

/// Where the configuration is looked for: at the path given, else `$AUDITFERRY_CONFIG`, else
/// `/etc/auditferry/auditferry.toml`.
pub fn locate(given: Option<PathBuf>, environment: &Environment) -> PathBuf {
    let set = environment.get("AUDITFERRY_CONFIG").filter(|path| !path.is_empty());
    given.or_else(|| set.map(PathBuf::from)).unwrap_or_else(|| SYSTEM_PATH.into())
}

impl Config {
    /// Reads a file and the process's environment, and every secret once. May block for as long as commands
    /// that give secrets take (10 s each).
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        Self::load_with(path, &Environment::process())
    }

    /// Like [`Config::load`] with another environment.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load_with(path: &Path, environment: &Environment) -> Result<Self, Faults> {
        check(&read_file(path)?, &path.display().to_string(), environment, true)
    }

    /// Like [`Config::load`], but reads no secret and no file of `tls`: for commands that only look at the state
    /// directory, whose user may not have the daemon's secrets.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load_without_secrets(path: &Path) -> Result<Self, Faults> {
        check(&read_file(path)?, &path.display().to_string(), &Environment::process(), false)
    }

    /// Checks a text alone, without any environment; `label` stands for the file's name in the faults.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn from_text(text: &str, label: &str) -> Result<Self, Faults> {
        Self::from_text_with(text, label, &Environment::default())
    }

    /// Checks a text and an environment.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn from_text_with(text: &str, label: &str, environment: &Environment) -> Result<Self, Faults> {
        check(text, label, environment, true)
    }
}

fn check(text: &str, label: &str, environment: &Environment, read_secrets: bool) -> Result<Config, Faults> {
    let mut layers = Layers::merge(text, label, environment)?;
    let faults = RefCell::new(std::mem::take(&mut layers.faults));
    let (environment, now) = (environment.clone(), Timestamp::now());
    let review = Review { layers, environment, read_secrets, now, faults, warnings: RefCell::default() };
    let config = read(Table::root(&review));
    let faults = review.faults.into_inner();
    match config {
        Some(config) if faults.is_empty() => Ok(Config { warnings: review.warnings.into_inner(), ..config }),
        _ => Err(Faults(faults)),
    }
}

fn read(mut file: Table<'_>) -> Option<Config> {
    let state_dir = file.path("state_dir");
    let mut spool_table = file.table("spool");
    let spool =
        Spool { max_size: spool_table.size("max_size"), retention: spool_table.duration("retention") };
    spool_table.finish();
    let mut server = file.table("server");
    let listen = server.listen("listen");
    let server_token = server.secret_of("token", SHORTEST_TOKEN, "`openssl rand -hex 32` makes one");
    if let Some(address) = listen.filter(|address| !address.ip().to_canonical().is_loopback()) {
        let key = server.path_of("listen");
        file.review.warn(match server.has("token") {
            true => format!(
                "{key}: the token and the status travel to and from {address} in plain text, unless a proxy with TLS \
                 stands before it"
            ),
            false => format!("{key}: whoever reaches {address} can read the status and the metrics; set server.token"),
        });
    }
    server.finish();
    let source_names = file.names_in("sources");
    let sources = file.family("sources").into_iter().filter_map(source::read).collect();
    let sinks = sink::read_all(file.family("sinks"), &source_names);
    file.finish();
    Some(Config { state_dir: state_dir?, spool, listen, server_token, sources, sinks, warnings: Vec::new() })
}

fn read_file(path: &Path) -> Result<String, Faults> {
    let fault = |problem: String, hint: Option<String>| {
        let origin = path.display().to_string();
        Faults(vec![Fault { key: String::new(), origin, problem, hint }])
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(fault(
            "there is no configuration file".to_owned(),
            Some(format!(
                "make one with `auditferry config example > {}`, or name another with --config or \
            $AUDITFERRY_CONFIG",
                path.display()
            )),
        )),
        Err(error) => Err(fault(format!("the configuration file can't be read: {error}"), None)),
        Ok(read) if read as u64 > LARGEST => Err(fault("the file is larger than 1 MiB".to_owned(), None)),
        Ok(_) => String::from_utf8(bytes).map_err(|_| fault("the file is not UTF-8".to_owned(), None)),
    }
}
