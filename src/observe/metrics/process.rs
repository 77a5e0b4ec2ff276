//! What the kernel says of this process, in `/proc`, which it answers from memory: reading it does not block.
//! What can't be read there is not exposed. Names and units are those of Prometheus' own clients.

use std::fs;

use jiff::Timestamp;

/// Clock ticks a second in `/proc/self/stat`: 100 on every architecture that Linux has but Alpha and Itanium
/// (`USER_HZ`).
const TICKS: f64 = 100.0;

/// What is looked up once.
#[derive(Debug)]
pub(super) struct Process {
    /// Seconds since 1970.
    started: f64,
}

/// A metric's name, its help, and its value now.
pub(super) type Reading = (&'static str, &'static str, f64);

impl Process {
    pub(super) fn new() -> Self {
        let now = Timestamp::now().as_duration().as_secs_f64();
        // `/proc/stat` is hidden where a sandbox shows processes only; this is made soon after the start.
        Self { started: started().unwrap_or(now) }
    }

    pub(super) fn read(&self) -> Vec<Reading> {
        let all = [
            ("process_start_time_seconds", "When the process started, since 1970", Some(self.started)),
            ("process_cpu_seconds_total", "CPU time of the process, user and system", cpu_seconds()),
            ("process_resident_memory_bytes", "Memory of the process that is in RAM", resident_bytes()),
            ("process_open_fds", "File descriptors that are open", open_fds()),
            ("process_max_fds", "File descriptors that may be open", max_fds()),
        ];
        all.into_iter().filter_map(|(name, help, value)| Some((name, help, value?))).collect()
    }
}

fn started() -> Option<f64> {
    let boot = fs::read_to_string("/proc/stat").ok()?;
    let boot: f64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + stat_field(22)? / TICKS)
}

fn cpu_seconds() -> Option<f64> {
    Some((stat_field(14)? + stat_field(15)?) / TICKS)
}

/// A field of `/proc/self/stat`, numbered as in proc(5). The second one is the program's name in parentheses, and
/// may hold anything.
fn stat_field(number: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    Some(kib.trim().parse::<f64>().ok()? * 1_024.0)
}

fn open_fds() -> Option<f64> {
    // One of them is the listing's own.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u32::try_from(open).ok().map(f64::from)
}

fn max_fds() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // "unlimited" is infinite to `parse` only under another name.
    match line.split_whitespace().next()? {
        "unlimited" => Some(f64::INFINITY),
        soft => soft.parse().ok(),
    }
}
