//! Where the core's log lines go: the platform's own log, under one tag.

use crate::config::LogLevel;

/// The tag, or the prefix, of every line.
#[cfg(target_os = "android")]
const TAG: &str = "Jalon";

/// Sets how much is logged, in the whole process, and with the first call where to.
pub(crate) fn start(level: LogLevel) {
    let level = match level {
        LogLevel::Off => log::LevelFilter::Off,
        LogLevel::Error => log::LevelFilter::Error,
        LogLevel::Warn => log::LevelFilter::Warn,
        LogLevel::Info => log::LevelFilter::Info,
        LogLevel::Debug => log::LevelFilter::Debug,
    };
    #[cfg(target_os = "android")]
    android_logger::init_once(
        android_logger::Config::default().with_tag(TAG).with_max_level(log::LevelFilter::Debug),
    );
    #[cfg(not(any(target_os = "android", target_vendor = "apple")))]
    {
        // Taken already in a process that has several journeys.
        let _ = env_logger::Builder::new()
            .filter_level(log::LevelFilter::Debug)
            .format(|out, record| {
                use std::io::Write as _;
                writeln!(out, "Jalon {} {}", record.level(), record.args())
            })
            .try_init();
    }
    log::set_max_level(level);
}
