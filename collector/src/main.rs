//! The collector as a program: serves a data folder, manages its keys, erases its customers, and prints its
//! audit log.

mod audit;
mod key_commands;
mod log;
mod serve;

use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use jalon::clock::SystemClock;
use jalon_collector::{Collector, Options};
use jiff::Timestamp;
use log::Log;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

type BoxError = Box<dyn std::error::Error>;

/// Stores customers' journeys and shows one to the agent who takes the call.
#[derive(Parser)]
#[command(
    name = "jalon-collector",
    version,
    arg_required_else_help = true,
    after_help = "The environment variable JALON_LOG sets the log level on stderr (default: info)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve phones, contact centres and agents' browsers. Put a proxy in front of it for TLS.
    ///
    /// Prints `listening on http://ADDRESS` once it accepts connections. Ends gracefully on SIGTERM
    /// and Ctrl-C.
    Serve(Serve),
    /// Create, list and revoke the keys of apps and contact centres.
    #[command(subcommand)]
    Key(key_commands::Key),
    /// Manage the keys with which apps' backends sign proofs of identity.
    #[command(subcommand)]
    IdentityKey(key_commands::IdentityKeys),
    /// Print the number of each screen, which call codes carry, and whether the screens file lists it.
    Screens(Screens),
    /// Erase a customer, with every installation they used. Works while the collector serves.
    Erase(Erase),
    /// Say that the machine's clock is right after it went on by more than a day, for example while nothing
    /// served: until then nothing that has expired is removed. Works while the collector serves.
    ConfirmClock(ConfirmClock),
    /// Print who looked at what, and check that nobody altered the log. Works while the collector
    /// serves, and changes nothing.
    Audit(audit::Args),
}

#[derive(Args)]
struct Serve {
    /// The address to listen on; port 0 takes a free port.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The data folder; created when missing.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The URL at which agents' browsers reach this collector, for desk links. Required when listening
    /// on another address than loopback.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The configuration file (TOML): `public_url`, `frame_ancestors`, and for each app its
    /// screens file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A site that may show the desk in a frame, such as <https://desk.example.com>. May be repeated.
    #[arg(long, value_name = "ORIGIN")]
    frame_ancestors: Vec<String>,
}

#[derive(Args)]
struct Screens {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only this app's screens; without it, those of all apps.
    #[arg(long, value_name = "ID")]
    app: Option<String>,
}

#[derive(Args)]
struct ConfirmClock {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

#[derive(Args)]
struct Erase {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The customer's id, as the app names them.
    #[arg(long, value_name = "ID")]
    customer: String,
    /// The app. Ids are each app's own: the same id in another one may be somebody else.
    #[arg(long, value_name = "ID", required_unless_present = "all_apps")]
    app: Option<String>,
    /// Erase this id in every app.
    #[arg(long, conflicts_with = "app")]
    all_apps: bool,
    /// Erase nothing: only say what would be erased.
    #[arg(long)]
    dry_run: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut log = match Log::start() {
        Ok(log) => log,
        Err(error) => {
            let _ =
                writeln!(std::io::stderr(), "jalon-collector: failed to start a thread: {error}");
            return ExitCode::FAILURE;
        }
    };
    tracing_subscriber::fmt()
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("JALON_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    let at_panic = log.clone();
    // Not by the default, which waits until stderr takes it. Where, and never what: a message may quote
    // what the collector was sent.
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic, which is a defect: please report it");
        if std::thread::current().name() == Some("main") {
            // The program ends with it.
            at_panic.finish();
        }
    }));
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve(args, &log).await,
        Command::Key(command) => key_commands::run(command).await,
        Command::IdentityKey(command) => key_commands::run_identity(command).await,
        Command::Screens(args) => screens(args).await,
        Command::Erase(args) => erase(args).await,
        Command::ConfirmClock(args) => confirm_clock(args).await,
        Command::Audit(args) => return audit::run(&args),
    };
    let status = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = log.write_all(format!("jalon-collector: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    };
    log.finish();
    status
}

async fn serve(args: Serve, log: &Log) -> Result<(), BoxError> {
    let data = args.data;
    let mut options = Options::new(&data);
    options.dropped_log_lines = log.dropped();
    options.frame_ancestors = args.frame_ancestors;
    if let Some(path) = &args.config {
        options = options.read(path)?;
    }
    // The command line wins over the file.
    options.public_url = args.public_url.or(options.public_url);
    if !args.listen.ip().is_loopback() && options.public_url.is_none() {
        return Err(
            "failed to serve: pass --public-url URL, which desk links need when the collector \
                    listens on another address than loopback"
                .into(),
        );
    }
    // Held until the end, and before anything is touched.
    let _lock = lock(&data)?;
    let collector = Collector::open(options, Arc::new(SystemClock)).await?;
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| format!("failed to listen on {}: {error}", args.listen))?;
    // Caught before the collector says that it runs.
    let mut terminate = signal(SignalKind::terminate())?;
    // Whoever started it may have gone, or its disk be full: it serves all the same.
    let _ = writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?);
    let mut expiring = tokio::spawn({
        let collector = collector.clone();
        async move { collector.keep_expiring().await }
    });
    let mut defect = None;
    let end = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            () = collector.died() => defect = Some("a thread of the storage has died"),
            _ = &mut expiring => defect = Some("the job that removes what has expired has died"),
        }
        if let Some(defect) = defect {
            tracing::error!("ending, to be started again: {defect}");
        } else {
            tracing::info!("ending: answering the requests under way");
        }
        collector.end();
    };
    serve::serve(listener, collector.router(), end).await;
    if let Some(defect) = defect {
        return Err(format!("ended because of a defect: {defect}").into());
    }
    expiring.await?;
    Ok(())
}

/// Locks the data folder against a second collector that serves it: each would keep limits, streams and
/// caches of its own.
fn lock(data: &Path) -> Result<File, BoxError> {
    jalon_collector::make_folder(data)?;
    let path = data.join("serve.lock");
    let file = File::create(&path)
        .map_err(|error| format!("failed to open {}: {error}", path.display()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => {
            let data = data.display();
            Err(format!("failed to serve: another collector serves {data}; end it first").into())
        }
        Err(error) => Err(format!("failed to lock {}: {error}", data.display()).into()),
    }
}

/// Opens the collector of a folder that holds one already.
async fn existing(data: PathBuf, to: &str) -> Result<Collector, BoxError> {
    if !data.join("collector.db").is_file() {
        return Err(format!("failed to {to}: no collector's data in {}", data.display()).into());
    }
    Ok(Collector::open(Options::new(data), Arc::new(SystemClock)).await?)
}

async fn screens(args: Screens) -> Result<(), BoxError> {
    let collector = existing(args.data, "list screens").await?;
    for screen in collector.screens(args.app.as_deref()).await? {
        let listed = if screen.listed { "listed" } else { "unlisted" };
        // In quotes, since a name is whatever a phone sent.
        let (number, app, name) = (screen.number, screen.app, screen.name);
        writeln!(std::io::stdout(), "{number:03}  {listed}  {app}  {name:?}")?;
    }
    Ok(())
}

async fn confirm_clock(args: ConfirmClock) -> Result<(), BoxError> {
    existing(args.data, "confirm the clock").await?.confirm_clock().await?;
    writeln!(std::io::stdout(), "expired data is removed again, by {}", Timestamp::now())?;
    Ok(())
}

async fn erase(args: Erase) -> Result<(), BoxError> {
    let collector = existing(args.data, "erase").await?;
    if args.dry_run {
        let data = collector.customer_data(args.app.as_deref(), &args.customer).await?;
        let of = |count, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let installations = of(data.installations, "installation");
        let (events, calls) = (of(data.events, "event"), of(data.calls, "call"));
        writeln!(std::io::stdout(), "would erase {installations} with {events} and {calls}")?;
        return Ok(());
    }
    let count = collector.erase_customer(args.app.as_deref(), &args.customer).await?;
    let plural = if count == 1 { "" } else { "s" };
    writeln!(std::io::stdout(), "erased {count} installation{plural}")?;
    Ok(())
}
