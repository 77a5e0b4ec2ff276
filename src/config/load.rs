//! From a file and an environment to a checked [`Config`], or to every fault in them.

use std::cell::RefCell;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::fault::{Fault, Faults};
use super::layer::{Environment, Layers};
use super::table::{Review, Table};
use super::{Config, Spool, sink, source};

/// Where the file is when nobody says otherwise. The only one that may be missing: a container is often given its
/// whole configuration by the environment.
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

/// What a configuration that was looked for at a path came from, for people: that file, or the environment alone.
pub fn origin(path: &Path) -> String {
    if path == Path::new(SYSTEM_PATH) && !path.exists() {
        return without_file(path);
    }
    path.display().to_string()
}

fn without_file(path: &Path) -> String {
    format!("the environment (there is no {})", path.display())
}

impl Config {
    /// Reads a file and the process's environment, and every secret once. `/etc/auditferry/auditferry.toml` may be
    /// missing when the environment sets sources and sinks. May block for as long as commands
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
        load_where(path, Path::new(SYSTEM_PATH), environment, true)
    }

    /// Like [`Config::load`], but reads no secret and no file of `tls`: for commands that only look at the state
    /// directory, whose user may not have the daemon's secrets.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load_without_secrets(path: &Path) -> Result<Self, Faults> {
        load_where(path, Path::new(SYSTEM_PATH), &Environment::process(), false)
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

/// Loads a file that may be missing only at the `default` place, and only when the environment has enough.
pub(super) fn load_where(
    path: &Path,
    default: &Path,
    environment: &Environment,
    read_secrets: bool,
) -> Result<Config, Faults> {
    match read_file(path)? {
        Some(text) => check(&text, &path.display().to_string(), environment, read_secrets),
        None if path != default => Err(missing(path, "")),
        None if environment.sets_sources_and_sinks() => {
            check("", &without_file(path), environment, read_secrets)
        }
        None => Err(missing(
            path,
            "; or set sources and sinks by the environment: AUDITFERRY__SOURCES__…, AUDITFERRY__SINKS__…",
        )),
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

/// The file's text; `None` when there is no such file.
fn read_file(path: &Path) -> Result<Option<String>, Faults> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(of_file(path, format!("the configuration file can't be read: {error}"), None)),
        Ok(read) if read as u64 > LARGEST => Err(of_file(path, "the file is larger than 1 MiB".into(), None)),
        Ok(_) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| of_file(path, "the file is not UTF-8".into(), None)),
    }
}

fn missing(path: &Path, more: &str) -> Faults {
    let hint = format!(
        "make one with `auditferry config example > {}`, or name another with --config or \
        $AUDITFERRY_CONFIG{more}",
        path.display()
    );
    of_file(path, "there is no configuration file".to_owned(), Some(hint))
}

fn of_file(path: &Path, problem: String, hint: Option<String>) -> Faults {
    Faults(vec![Fault { key: String::new(), origin: path.display().to_string(), problem, hint }])
}
