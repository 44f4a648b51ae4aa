//! What a process has used, from /proc.

use std::fs;

/// Clock ticks a second in /proc (USER_HZ, the same on every Linux).
const TICKS: f64 = 100.0;

/// CPU seconds of a process so far.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0.0;
    };
    // The name, in parentheses, may hold spaces: what counts comes after it.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| {
        after
            .split_whitespace()
            .nth(field)
            .and_then(|text| text.parse::<f64>().ok())
    };
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / TICKS
}

/// CPU seconds of this process so far.
pub(crate) fn own_cpu_seconds() -> f64 {
    cpu_seconds(std::process::id())
}

/// Busy seconds of the whole machine, all cores together.
pub(crate) fn machine_seconds() -> f64 {
    let Ok(stat) = fs::read_to_string("/proc/stat") else {
        return 0.0;
    };
    let fields: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    // user, nice, system, irq, softirq; not idle, iowait, steal.
    [0, 1, 2, 5, 6]
        .iter()
        .filter_map(|field| fields.get(*field))
        .sum::<f64>()
        / TICKS
}

/// Resident memory of a process in KiB, now and at its highest.
pub(crate) fn memory_kib(pid: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    (
        field("VmRSS:").unwrap_or_default(),
        field("VmHWM:").unwrap_or_default(),
    )
}
