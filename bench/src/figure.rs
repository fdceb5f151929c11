//! A figure: a median, its spread, and the target it is held against.

use std::fmt::Write as _;

use serde::Serialize;

use crate::clock::median;

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The median is at most this.
    AtMost(f64),
    /// The median is at least this.
    AtLeast(f64),
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The group it belongs to.
    pub group: &'static str,
    /// What was measured.
    pub name: String,
    /// The unit.
    pub unit: &'static str,
    /// The median of the rounds.
    pub median: f64,
    /// The lowest round.
    pub low: f64,
    /// The highest round.
    pub high: f64,
    /// The number of rounds.
    pub rounds: usize,
    /// What it is held against.
    pub target: Option<Target>,
    /// Whether the target is met.
    pub met: Option<bool>,
}

/// All figures of a run.
#[derive(Debug, Default)]
pub struct Figures {
    /// The figures, in the order in which they were taken.
    pub all: Vec<Figure>,
}

impl Figures {
    /// Adds a figure from its rounds.
    pub fn add(
        &mut self,
        group: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        rounds: &[f64],
        target: Option<Target>,
    ) {
        let median = median(rounds);
        let met = target.map(|target| match target {
            Target::AtMost(most) => median <= most,
            Target::AtLeast(least) => median >= least,
        });
        self.all.push(Figure {
            group,
            name: name.into(),
            unit,
            median,
            low: rounds.iter().copied().fold(f64::INFINITY, f64::min),
            high: rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            rounds: rounds.len(),
            target,
            met,
        });
    }

    /// Writes the figures from a place on as a table.
    #[must_use]
    pub fn table(&self, from: usize) -> String {
        let mut text =
            format!("\n{:<72} {:>10} {:>21} {:>5}  target\n", "figure", "median", "spread", "unit");
        for figure in self.all.iter().skip(from) {
            let spread = format!("{} – {}", number(figure.low), number(figure.high));
            let _ = writeln!(
                text,
                "{:<72} {:>10} {:>21} {:>5}  {}",
                format!("{}: {}", figure.group, figure.name),
                number(figure.median),
                spread,
                figure.unit,
                verdict(figure)
            );
        }
        text
    }
}

fn verdict(figure: &Figure) -> String {
    let word = if figure.met == Some(true) { "met" } else { "MISSED" };
    match figure.target {
        Some(Target::AtMost(most)) => format!("≤ {} {word}", number(most)),
        Some(Target::AtLeast(least)) => format!("≥ {} {word}", number(least)),
        None => String::new(),
    }
}

/// Writes a number with about three digits that mean something.
#[must_use]
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
