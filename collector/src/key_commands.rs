//! The commands for keys: of apps and contact centres, and those with which apps' backends sign.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jalon::clock::SystemClock;
use jalon_collector::proof::{IdentityKey, KeyAlgorithm};
use jalon_collector::{Collector, KeyKind, Options};
use jiff::Timestamp;

use crate::{BoxError, audit, existing};

#[derive(Subcommand)]
pub(crate) enum Key {
    /// Create a key and print it, once: only its hash is kept. Works while the collector serves.
    Create(Create),
    /// Print each key's id, kind, time of creation, end and app; never the key.
    List(ListKeys),
    /// Revoke a key: a collector that serves it refuses it within two seconds.
    Revoke(RevokeKey),
    /// Let a key end at a time, such as the old one of two.
    Expire(ExpireKey),
}

#[derive(Args)]
pub(crate) struct ListKeys {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only this app's keys; without it, the keys of all apps.
    #[arg(long, value_name = "ID")]
    app: Option<String>,
}

#[derive(Args)]
pub(crate) struct RevokeKey {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The key's id, as `list` prints it.
    #[arg(long, value_name = "ID")]
    id: String,
}

#[derive(Args)]
pub(crate) struct ExpireKey {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The key's id, as `list` prints it.
    #[arg(long, value_name = "ID")]
    id: String,
    /// From when on it is refused: a time (2026-11-26T08:00:00Z) or day (2026-11-26, UTC).
    #[arg(long, value_name = "TIME", value_parser = audit::time)]
    at: Timestamp,
}

#[derive(Args)]
pub(crate) struct Create {
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
pub(crate) enum IdentityKeys {
    /// Add a key to those that the app has; all of them are valid, so that keys can be rotated. Prints
    /// its id. Works while the collector serves.
    Add(AddIdentityKey),
    /// Print each key's id, algorithm, time of addition and app; never the key.
    List(ListIdentityKeys),
    /// Remove a key: proofs signed with it are no longer accepted.
    Remove(RemoveIdentityKey),
}

#[derive(Args)]
pub(crate) struct AddIdentityKey {
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
pub(crate) struct ListIdentityKeys {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Only this app's keys; without it, the keys of all apps.
    #[arg(long, value_name = "ID")]
    app: Option<String>,
}

#[derive(Args)]
pub(crate) struct RemoveIdentityKey {
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

/// Runs a command of `key`.
pub(crate) async fn run(command: Key) -> Result<(), BoxError> {
    match command {
        Key::Create(args) => create_key(args).await,
        Key::List(args) => list_keys(args).await,
        Key::Revoke(args) => revoke_key(args).await,
        Key::Expire(args) => expire_key(args).await,
    }
}

/// Runs a command of `identity-key`.
pub(crate) async fn run_identity(command: IdentityKeys) -> Result<(), BoxError> {
    match command {
        IdentityKeys::Add(args) => add_identity_key(args).await,
        IdentityKeys::List(args) => list_identity_keys(args).await,
        IdentityKeys::Remove(args) => remove_identity_key(args).await,
    }
}

async fn create_key(args: Create) -> Result<(), BoxError> {
    let collector = Collector::open(Options::new(args.data), Arc::new(SystemClock)).await?;
    let key = collector.create_key(args.kind, &args.app).await?;
    writeln!(std::io::stdout(), "{key}")?;
    Ok(())
}

async fn list_keys(args: ListKeys) -> Result<(), BoxError> {
    let collector = existing(args.data, "list keys").await?;
    for key in collector.keys().await? {
        if args.app.as_ref().is_some_and(|app| *app != key.app) {
            continue;
        }
        let (id, kind, app) = (key.id(), key.kind.as_str(), &key.app);
        let created = Timestamp::from_millisecond(key.created_at)?;
        let end = key.expires_at.map(Timestamp::from_millisecond).transpose()?;
        let end = end.map_or("no end".to_owned(), |end| format!("ends {end}"));
        writeln!(std::io::stdout(), "{id}  {kind}  {created}  {end}  {app}")?;
    }
    Ok(())
}

async fn revoke_key(args: RevokeKey) -> Result<(), BoxError> {
    let collector = existing(args.data, "revoke a key").await?;
    if !collector.revoke_key(&args.id).await? {
        return Err(format!("failed to revoke: no key {}; list them first", args.id).into());
    }
    writeln!(std::io::stdout(), "revoked {}", args.id)?;
    Ok(())
}

async fn expire_key(args: ExpireKey) -> Result<(), BoxError> {
    let collector = existing(args.data, "let a key end").await?;
    if !collector.expire_key(&args.id, args.at.as_millisecond()).await? {
        return Err(format!("failed to set an end: no key {}; list them first", args.id).into());
    }
    writeln!(std::io::stdout(), "{} ends {}", args.id, args.at)?;
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
        let added = Timestamp::from_millisecond(added_at)?;
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
