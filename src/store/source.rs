//! Sources: the account that each was bound to, and credentials that the provider has rotated.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::{Place, StoreError};
use super::snapshot;
use crate::event::Account;

/// A credential that replaced the configured one.
#[derive(Clone, PartialEq, Eq)]
pub struct RotatedCredential {
    /// SHA-256 of the configured credential that it replaces: another one in the configuration wins.
    pub replaces: [u8; 32],
    /// The secret.
    pub secret: String,
}

/// What is known of a source besides its streams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceSnapshot {
    /// The account that it is bound to.
    pub account: Option<Account>,
    /// The credential that took the place of the configured one.
    pub rotated: Option<RotatedCredential>,
}

impl std::fmt::Debug for RotatedCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RotatedCredential(…)")
    }
}

/// Reads what a directory knows of a source; nothing where there is no state yet.
pub(super) fn of_directory(directory: &Path, source: &str) -> Result<SourceSnapshot, StoreError> {
    let place = Place::new(directory);
    match place.database.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(SourceSnapshot::default()),
        Err(error) => return Err(StoreError::Failed(format!("{}: {error}", place.database.display()))),
    }
    snapshot::in_directory(&place, |db| {
        Ok(SourceSnapshot { account: account(db, source)?, rotated: credential(db, source)? })
    })
}

pub(super) fn account(db: &Connection, source: &str) -> rusqlite::Result<Option<Account>> {
    db.prepare_cached("SELECT account_id, account_name FROM source WHERE name = ?1")?
        .query_row([source], |row| Ok(Account { id: row.get(0)?, name: row.get(1)? }))
        .optional()
}

/// The account that the source was bound to before, or this one from now on.
pub(super) fn bind_account(db: &Connection, source: &str, account: &Account) -> rusqlite::Result<Account> {
    db.prepare_cached("INSERT OR IGNORE INTO source (name, account_id, account_name) VALUES (?1, ?2, ?3)")?
        .execute(params![source, account.id, account.name])?;
    self::account(db, source)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

pub(super) fn credential(db: &Connection, source: &str) -> rusqlite::Result<Option<RotatedCredential>> {
    db.prepare_cached("SELECT replaces, secret FROM credential WHERE source = ?1")?
        .query_row([source], |row| Ok(RotatedCredential { replaces: row.get(0)?, secret: row.get(1)? }))
        .optional()
}

pub(super) fn keep_credential(
    db: &Connection,
    source: &str,
    credential: &RotatedCredential,
) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO credential (source, replaces, secret) VALUES (?1, ?2, ?3)")?
        .execute(params![source, credential.replaces, credential.secret])?;
    Ok(())
}
