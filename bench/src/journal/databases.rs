//! The same with databases: each event in a row with its chain hash, durable.

use std::path::Path;
use std::time::Instant;

use cordon_journal::hash::Hash;
use redb::TableDefinition;
use rusqlite::{Connection, params};

use super::{EVENT, GROUP, chained, micros, named};
use crate::clock::quantile;
use crate::figure::Figures;
use crate::run::Args;

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");

/// Measures.
/// # Errors
/// When a database fails.
pub(super) fn measure(args: &Args, folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    for batch in [1u64, 256, 4_096] {
        let count: u64 = match (args.quick, batch) {
            (true, _) => 500,
            (false, 1) => 2_000,
            (false, _) => 200_000,
        };
        let mut sqlite = Rounds::default();
        let mut redb = Rounds::default();
        for _ in 0..args.rounds() {
            sqlite.add(through_sqlite(&folder.join("sqlite"), count, batch)?);
            redb.add(through_redb(&folder.join("redb"), count, batch)?);
        }
        sqlite.show(figures, "SQLite, WAL, synchronous=FULL", batch);
        redb.show(figures, "redb, Durability::Immediate", batch);
    }
    Ok(())
}

/// What one run comes to.
#[derive(Clone, Copy)]
struct Run {
    per_second: f64,
    commit_us: f64,
}

#[derive(Default)]
struct Rounds {
    per_second: Vec<f64>,
    commit_us: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, run: Run) {
        self.per_second.push(run.per_second);
        self.commit_us.push(run.commit_us);
    }

    fn show(&self, figures: &mut Figures, name: &str, batch: u64) {
        let rate = format!("{name}, {batch} in a commit");
        figures.add(GROUP, rate, "1/s", &self.per_second, None);
        if batch == 1 {
            figures.add(GROUP, format!("{name}, one row, p50"), "us", &self.commit_us, None);
        }
    }
}

/// Commits batch after batch.
fn run(
    count: u64,
    batch: u64,
    mut commit: impl FnMut(&[(u64, Hash)]) -> anyhow::Result<()>,
) -> anyhow::Result<Run> {
    let mut after = Hash::ZERO;
    let mut commits = Vec::new();
    let begun = Instant::now();
    let mut number = 0;
    while number < count {
        let start = Instant::now();
        let mut rows = Vec::new();
        for _ in 0..batch {
            after = chained(&after, EVENT.as_bytes());
            rows.push((number, after));
            number += 1;
        }
        commit(&rows)?;
        commits.push(micros(start));
    }
    commits.sort_by(f64::total_cmp);
    let per_second = number as f64 / begun.elapsed().as_secs_f64();
    Ok(Run { per_second, commit_us: quantile(&commits, 500) })
}

fn through_sqlite(path: &Path, count: u64, batch: u64) -> anyhow::Result<Run> {
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
    let mut database = named(Connection::open(path), path)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database
        .execute_batch("create table events (seq integer primary key, hash blob, event text)")?;
    run(count, batch, |rows| {
        let transaction = database.transaction()?;
        let text = "insert into events values (?1, ?2, ?3)";
        {
            let mut insert = transaction.prepare_cached(text)?;
            for (seq, hash) in rows {
                insert.execute(params![i64::try_from(*seq)?, hash.0.as_slice(), EVENT])?;
            }
        }
        Ok(transaction.commit()?)
    })
}

fn through_redb(path: &Path, count: u64, batch: u64) -> anyhow::Result<Run> {
    let _ = std::fs::remove_file(path);
    let database = named(redb::Database::create(path), path)?;
    run(count, batch, |rows| {
        let transaction = database.begin_write()?;
        {
            let mut table = transaction.open_table(TABLE)?;
            for (seq, hash) in rows {
                let row = [hash.0.as_slice(), EVENT.as_bytes()].concat();
                table.insert(seq, row.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    })
}
