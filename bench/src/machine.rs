//! On what it was measured, and what else ran there.

use std::fs;

/// The machine, in one line.
pub fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let model =
        value(&read("/proc/cpuinfo"), "model name").unwrap_or("unknown processor").to_owned();
    let kibibytes = value(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.strip_suffix(" kB")?.parse::<f64>().ok());
    let gibibytes = kibibytes.unwrap_or_default() / f64::from(1 << 20);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{processors} × {model}, {gibibytes:.0} GiB, Linux {}", kernel.trim())
}

/// How many processes wanted to run, on average over the last minute.
pub fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find_map(|(found, value)| (found.trim() == key).then(|| value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_value_by_its_key() {
        let text = "processor\t: 0\nmodel name\t: Some Processor @ 2 GHz\n";
        assert_eq!(value(text, "model name"), Some("Some Processor @ 2 GHz"));
        assert_eq!(value(text, "flags"), None);
        assert!(describe().contains("Linux"));
    }
}
