//! What an archive takes on the disk, table by table and index by index, and what it took to fill.

use super::filled::{Archive, cell, rows};
use super::race::short;
use crate::table::Table;

/// Of each table its rows, of each index its entries. TOAST and the maps are the table's.
const ON_POSTGRES: &str = "SELECT t.relname::text, ''::text, pg_table_size(t.oid) FROM pg_class t
      WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT t.relname::text, i.relname::text, pg_relation_size(i.oid) FROM pg_index x
      JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
      WHERE t.relnamespace = 'public'::regnamespace";

/// A table of full text is several tables, whose names begin with its own.
const ON_SQLITE: &str = "SELECT coalesce(s.tbl_name, d.name),
      CASE WHEN s.type = 'index' THEN s.name ELSE '' END, CAST(d.pgsize AS INTEGER)
    FROM dbstat AS d LEFT JOIN sqlite_schema AS s ON s.name = d.name WHERE d.aggregate = TRUE";

/// Below this share of the whole, things are told together.
const SMALL: f64 = 0.005;

/// One table for each kind of database.
pub async fn tables(archives: &[Archive]) -> Vec<Table> {
    let mut heading = vec![""];
    heading.extend(archives.iter().map(|archive| archive.size.name));
    heading.push("bytes a message");
    let mut table = Table::new("MiB on the disk", &heading);
    let mut all = Vec::new();
    for archive in archives {
        all.push(sizes(archive).await);
    }
    let (Some(largest), Some(last)) = (all.last(), archives.last()) else { return vec![table] };
    let whole: f64 = largest.iter().map(|(_, bytes)| bytes).sum();
    let mut others = vec![0.0; all.len()];
    let mut total = vec![0.0; all.len()];
    let row = |what: String, bytes: &[f64]| {
        let mut row = vec![format!("{}, {what}", last.database)];
        row.extend(bytes.iter().map(|bytes| short(bytes / 1024.0 / 1024.0)));
        row.push(short(bytes[bytes.len() - 1] / last.size.messages as f64));
        row
    };
    for (name, bytes) in largest {
        let find =
            |sizes: &Vec<(String, f64)>| sizes.iter().find(|(other, _)| other == name).map_or(0.0, |(_, bytes)| *bytes);
        let each: Vec<f64> = all.iter().map(find).collect();
        let into = |sum: &mut Vec<f64>| sum.iter_mut().zip(&each).for_each(|(sum, bytes)| *sum += bytes);
        into(&mut total);
        if *bytes < whole * SMALL {
            into(&mut others);
        } else {
            table.row(row(name.clone(), &each));
        }
    }
    table.row(row("the rest".into(), &others));
    table.row(row("the whole".into(), &total));
    let mut took = Table::new("Seconds that it took", &heading[..=archives.len()]);
    for (place, what) in ["to fill it", "to tidy up (VACUUM; large files ANALYZE)"].into_iter().enumerate() {
        let mut row = vec![format!("{}, {what}", last.database)];
        row.extend(archives.iter().map(|archive| short(archive.took[place])));
        took.row(row);
    }
    vec![table, took]
}

/// What there is and its bytes, the largest first.
async fn sizes(archive: &Archive) -> Vec<(String, f64)> {
    let sql = if archive.database == "SQLite" { ON_SQLITE } else { ON_POSTGRES };
    let mut sizes: Vec<(String, f64)> = Vec::new();
    for row in rows(&archive.url, sql).await {
        let (table, index, bytes): (String, String, i64) = (cell(&row, 0), cell(&row, 1), cell(&row, 2));
        let name = if index.is_empty() { table } else { format!("{table}: {index}") };
        sizes.push((name, bytes as f64));
    }
    sizes.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    sizes
}
