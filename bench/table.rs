//! Numbers as people read them.

use std::fmt;

/// Rows under a heading, in columns.
pub struct Table {
    title: &'static str,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(title: &'static str, heading: &[&str]) -> Self {
        Self { title, rows: vec![heading.iter().map(ToString::to_string).collect()] }
    }

    /// Adds a row, and shows it at once: a whole table takes minutes.
    pub fn row(&mut self, row: Vec<String>) {
        eprintln!("{}", row.join("  "));
        self.rows.push(row);
    }

    /// Whether there is something under the heading.
    pub fn has_rows(&self) -> bool {
        self.rows.len() > 1
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line += &match column {
                    0 => format!("  {cell:<width$}"),
                    _ => format!("  {cell:>width$}"),
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The middle one, and between which the rest are.
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], least: values[0], most: values[values.len() - 1] }
    }

    /// The ends, for a column of their own.
    pub fn ends(&self, digits: usize) -> String {
        format!("({:.digits$} to {:.digits$})", self.least, self.most)
    }
}

/// Below which so many of a hundred values are.
pub fn percentile(values: &[f64], share: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * share / 100]
}

/// For the last column.
pub fn verdict(is_reached: bool) -> String {
    if is_reached { "reached" } else { "NOT REACHED" }.into()
}
