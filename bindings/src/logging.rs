//! Sends the core's log lines to the platform's own log, under one tag.
//!
//! Android's log is written to from here. Apple's is a macro of its C headers and has no stable
//! symbol, so Swift passes a [`LogSink`] that writes through `os.Logger`. A developer's machine
//! logs to standard error, unless a sink was given.

use std::sync::{PoisonError, RwLock};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::config::LogLevel;

/// The tag, or the prefix, of every line.
#[cfg(target_os = "android")]
const TAG: &str = "Jalon";

/// Receives log lines where the platform's log cannot be reached from Rust.
#[uniffi::export(callback_interface)]
pub trait LogSink: Send + Sync {
    /// Writes one line, which never holds an event's content. Called on any thread; must not block.
    fn write(&self, level: LogLevel, line: String);
}

static SINK: RwLock<Option<Box<dyn LogSink>>> = RwLock::new(None);

/// Sends log lines to `sink`, from the next journey that opens. The last sink given is used.
#[uniffi::export]
pub fn log_to(sink: Box<dyn LogSink>) {
    *SINK.write().unwrap_or_else(PoisonError::into_inner) = Some(sink);
    // Set already, by us or by the app's own Rust code: the first logger stays.
    let _ = log::set_logger(&ToSink);
}

/// Passes the `log` facade's records to the sink.
struct ToSink;

impl Log for ToSink {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = match record.level() {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug | Level::Trace => LogLevel::Debug,
        };
        let sink = SINK.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = &*sink {
            sink.write(level, record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Sets how much the whole process logs. The first call also sets where to.
pub(crate) fn start(level: LogLevel) {
    let level = match level {
        LogLevel::Off => LevelFilter::Off,
        LogLevel::Error => LevelFilter::Error,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Debug => LevelFilter::Debug,
    };
    #[cfg(target_os = "android")]
    android_logger::init_once(
        android_logger::Config::default().with_tag(TAG).with_max_level(LevelFilter::Debug),
    );
    #[cfg(not(any(target_os = "android", target_vendor = "apple")))]
    {
        // Set already, in a process that has several journeys or a sink.
        let _ = env_logger::Builder::new()
            .filter_level(LevelFilter::Debug)
            .format(|out, record| {
                use std::io::Write as _;
                writeln!(out, "Jalon {} {}", record.level(), record.args())
            })
            .try_init();
    }
    log::set_max_level(level);
}
