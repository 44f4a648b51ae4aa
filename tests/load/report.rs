use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::Workload;

/// The figures of one run of one workload, in the order of the table.
pub(crate) type Figures = Vec<(&'static str, f64)>;

const LOST: &str = "lost";

/// What did not arrive or was refused. Whatever the speed, it has to be none.
pub(crate) fn lost(count: f64) -> (&'static str, f64) {
    (LOST, count)
}

/// Collects figures, and prints their medians and ranges.
pub(crate) struct Report {
    json: Option<File>,
    workloads: Vec<(Workload, Vec<Figures>)>,
}

impl Report {
    pub(crate) fn new(json: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self {
            json: json.map(File::create).transpose()?,
            workloads: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, workload: Workload, figures: Figures) -> anyhow::Result<()> {
        if let Some(file) = &mut self.json {
            let mut line: Map<String, Value> = figures
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect();
            line.insert(
                "workload".to_owned(),
                format!("{workload:?}").to_lowercase().into(),
            );
            writeln!(file, "{}", Value::Object(line))?;
        }
        match self.workloads.iter_mut().find(|(known, _)| *known == workload) {
            Some((_, runs)) => runs.push(figures),
            None => self.workloads.push((workload, vec![figures])),
        }
        Ok(())
    }

    /// How much was lost in all runs.
    pub(crate) fn lost(&self) -> f64 {
        let figures = self.workloads.iter().flat_map(|(_, runs)| runs).flatten();
        figures
            .filter(|(name, _)| *name == LOST)
            .map(|(_, count)| count.abs())
            .sum()
    }

    pub(crate) fn print(&self) {
        println!("| workload | figure | median | range |\n|---|---|---|---|");
        for (workload, runs) in &self.workloads {
            let mut columns: BTreeMap<usize, (&str, Vec<f64>)> = BTreeMap::new();
            for figures in runs {
                for (place, (name, value)) in figures.iter().enumerate() {
                    columns.entry(place).or_insert((name, Vec::new())).1.push(*value);
                }
            }
            for (name, mut values) in columns.into_values() {
                values.sort_by(f64::total_cmp);
                let (low, high) = (values[0], values[values.len() - 1]);
                let median = values[values.len() / 2];
                println!(
                    "| {workload:?} | {name} | {} | {}–{} |",
                    short(median),
                    short(low),
                    short(high)
                );
            }
        }
    }
}

/// Three or four digits that matter.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
