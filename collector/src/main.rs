//! The collector as a program: serves a data folder, creates its keys, erases its customers, and
//! prints its audit log.

mod audit;
mod serve;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use jalon::clock::SystemClock;
use jalon_collector::proof::{IdentityKey, KeyAlgorithm};
use jalon_collector::{Collector, KeyKind, Options};
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
    /// Create keys for apps and contact centres.
    #[command(subcommand)]
    Key(Key),
    /// Manage the keys with which apps' backends sign proofs of identity.
    #[command(subcommand)]
    IdentityKey(IdentityKeys),
    /// Erase a customer, with every installation they used. Works while the collector serves.
    Erase(Erase),
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

#[derive(Subcommand)]
enum Key {
    /// Create a key and print it, once: only its hash is kept. Works while the collector serves.
    Create(Create),
}

#[derive(Args)]
struct Create {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// What the key allows: to write, or to resolve calls.
    #[arg(long)]
    kind: KeyKind,
    /// The app it is for.
    #[arg(long, value_name = "ID")]
    app: String,
}

#[derive(Subcommand)]
enum IdentityKeys {
    /// Add a key to those that the app has; all of them are valid, so that keys can be rotated. Prints
    /// its id. Works while the collector serves.
    Add(AddIdentityKey),
    /// Print each key's id, algorithm, time of addition and app; never the key.
    List(ListIdentityKeys),
    /// Remove a key: proofs signed with it are no longer accepted.
    Remove(RemoveIdentityKey),
}

#[derive(Args)]
struct AddIdentityKey {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The app whose backend signs; proofs name it as their `aud`.
    #[arg(long, value_name = "ID")]
    app: String,
    /// The algorithm it signs with.
    #[arg(long)]
    algorithm: KeyAlgorithm,
    /// The file with the key: for es256 the public key as PEM; for hs256 the secret of at least 32
    /// bytes (a line break at the end of the file is not part of it).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Args)]
struct ListIdentityKeys {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only this app's keys; without it, the keys of all apps.
    #[arg(long, value_name = "ID")]
    app: Option<String>,
}

#[derive(Args)]
struct RemoveIdentityKey {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The app.
    #[arg(long, value_name = "ID")]
    app: String,
    /// The key's id, as `add` and `list` print it.
    #[arg(long, value_name = "ID")]
    id: String,
}

#[derive(Args)]
struct Erase {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The customer's id, as the app names them.
    #[arg(long, value_name = "ID")]
    customer: String,
    /// Only in this app; without it, in all apps.
    #[arg(long, value_name = "ID")]
    app: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("JALON_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    let outcome = match Cli::parse().command {
        Command::Serve(args) => serve(args).await,
        Command::Key(Key::Create(args)) => create_key(args).await,
        Command::IdentityKey(IdentityKeys::Add(args)) => add_identity_key(args).await,
        Command::IdentityKey(IdentityKeys::List(args)) => list_identity_keys(args).await,
        Command::IdentityKey(IdentityKeys::Remove(args)) => remove_identity_key(args).await,
        Command::Erase(args) => erase(args).await,
        Command::Audit(args) => return audit::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jalon-collector: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Serve) -> Result<(), BoxError> {
    let mut options = Options::new(args.data);
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
    let collector = Collector::open(options, Arc::new(SystemClock)).await?;
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| format!("failed to listen on {}: {error}", args.listen))?;
    // Caught before the collector says that it runs.
    let mut terminate = signal(SignalKind::terminate())?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let expiring = tokio::spawn({
        let collector = collector.clone();
        async move { collector.keep_expiring().await }
    });
    let end = {
        let collector = collector.clone();
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            tracing::info!("ending: answering the requests under way");
            collector.end();
        }
    };
    serve::serve(listener, collector.router(), end).await;
    expiring.await?;
    Ok(())
}

async fn create_key(args: Create) -> Result<(), BoxError> {
    let collector = Collector::open(Options::new(args.data), Arc::new(SystemClock)).await?;
    let key = collector.create_key(args.kind, &args.app).await?;
    writeln!(std::io::stdout(), "{key}")?;
    Ok(())
}

async fn add_identity_key(args: AddIdentityKey) -> Result<(), BoxError> {
    let file = std::fs::read(&args.key)
        .map_err(|error| format!("failed to read {}: {error}", args.key.display()))?;
    let key = IdentityKey::read(args.app, args.algorithm, &file)?;
    let id = key.id();
    let collector = Collector::open(Options::new(args.data), Arc::new(SystemClock)).await?;
    collector.add_identity_key(key).await?;
    writeln!(std::io::stdout(), "{id}")?;
    Ok(())
}

async fn list_identity_keys(args: ListIdentityKeys) -> Result<(), BoxError> {
    let collector = existing(args.data, "list identity keys").await?;
    for (key, added_at) in collector.identity_keys(args.app.as_deref()).await? {
        let (id, algorithm) = (key.id(), key.algorithm.as_str());
        let added = jiff::Timestamp::from_millisecond(added_at)?;
        writeln!(std::io::stdout(), "{id}  {algorithm}  {added}  {}", key.app)?;
    }
    Ok(())
}

async fn remove_identity_key(args: RemoveIdentityKey) -> Result<(), BoxError> {
    let collector = existing(args.data, "remove an identity key").await?;
    if !collector.remove_identity_key(&args.app, &args.id).await? {
        let (app, id) = (&args.app, &args.id);
        return Err(format!("failed to remove: {app} has no key {id}; list them first").into());
    }
    writeln!(std::io::stdout(), "removed {}", args.id)?;
    Ok(())
}

/// Opens the collector of a folder that holds one already.
async fn existing(data: PathBuf, to: &str) -> Result<Collector, BoxError> {
    if !data.join("collector.db").is_file() {
        return Err(format!("failed to {to}: no collector's data in {}", data.display()).into());
    }
    Ok(Collector::open(Options::new(data), Arc::new(SystemClock)).await?)
}

async fn erase(args: Erase) -> Result<(), BoxError> {
    let collector = existing(args.data, "erase").await?;
    let count = collector.erase_customer(args.app.as_deref(), &args.customer).await?;
    let plural = if count == 1 { "" } else { "s" };
    writeln!(std::io::stdout(), "erased {count} installation{plural}")?;
    Ok(())
}
