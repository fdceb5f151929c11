//! `cordon import`: foreign inventories into devices.csv; what conflicts is held and shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cordon_model::Hospital;
use serde_json::{Value, json};

use crate::cli::{Import, ImportTable};
use crate::directory;
use crate::import::{self, Choices, Conflict, ImportError, Imported, Known, KnownSegment, Source};
use crate::outcome::{Exit, Failure, Outcome, chain};

/// How many conflicts are printed before the rest is counted.
const CONFLICTS_SHOWN: usize = 50;

pub(crate) fn run(args: &Import) -> Result<Outcome, Failure> {
    match args {
        Import::Csv(table) => self::table(table, |sources, choices, known| match sources {
            [source] => Ok(import::csv(*source, choices, known)),
            _ => Err(Failure::usage("a table is one file", "import the files one by one")),
        }),
        Import::Netbox(table) => self::table(table, |sources, choices, known| {
            Ok(import::netbox(sources, choices, known))
        }),
        Import::Mds2 { files, devices, out } => mds2(files, devices, out.as_deref()),
    }
}

fn refusal(error: &ImportError) -> Failure {
    let message = chain(error);
    Failure::input(message, "see docs/guide/import.md for what each import reads")
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let length = fs::metadata(path).map_err(|error| Failure::path(path, &error))?.len();
    if length > import::FILE_BYTES_MAX as u64 {
        let message = format!("{} has {length} bytes", path.display());
        return Err(Failure::input(
            message,
            format!("at most {} are read; split it", import::FILE_BYTES_MAX),
        ));
    }
    fs::read(path).map_err(|error| Failure::path(path, &error))
}

type Reader = fn(&[Source<'_>], &Choices, &Known) -> Result<Result<Imported, ImportError>, Failure>;

fn table(args: &ImportTable, reader: Reader) -> Result<Outcome, Failure> {
    let known = match &args.hospital {
        Some(dir) => known(&directory::plan(dir)?),
        None => Known::default(),
    };
    let choices = Choices::parse(&args.map, &args.default)
        .map_err(|error| Failure::usage(error.to_string(), "write it like `mac=HW Address`"))?;
    let mut contents = Vec::new();
    for file in &args.files {
        contents.push((file.display().to_string(), bytes(file)?));
    }
    let sources: Vec<Source<'_>> =
        contents.iter().map(|(name, bytes)| Source { name, bytes }).collect();
    let imported = reader(&sources, &choices, &known)?.map_err(|error| refusal(&error))?;
    finish(&imported, args.out.as_deref(), String::new(), &json!({}))
}

/// What a hospital's plan knows that rows can be checked against.
fn known(hospital: &Hospital) -> Known {
    let mut types = BTreeMap::new();
    let mut tiers = BTreeMap::new();
    for (id, profile) in &hospital.profiles {
        for alias in &profile.aliases {
            types.insert(alias.clone(), id.to_string());
        }
        types.insert(profile.name.to_lowercase(), id.to_string());
        types.insert(id.to_string(), id.to_string());
        tiers.insert(id.to_string(), profile.tier.key().to_owned());
    }
    let segments = hospital.segments.iter().flat_map(|(id, segment)| {
        segment.networks.iter().map(|network| KnownSegment {
            network: *network,
            id: id.to_string(),
            vlan: segment.vlan.into(),
            building: segment.building.to_string(),
        })
    });
    let vlans = hospital
        .segments
        .values()
        .map(|segment| segment.vlan)
        .chain(hospital.service_segments.values().map(|segment| segment.vlan))
        .map(u16::from);
    Known { vlans: vlans.collect(), types, tiers, segments: segments.collect() }
}

fn mds2(forms: &[PathBuf], devices: &Path, out: Option<&Path>) -> Result<Outcome, Failure> {
    let today = jiff::ZonedDateTime::now().date();
    let mut table = bytes(devices)?;
    let table_name = devices.display().to_string();
    let mut text = String::new();
    let mut rows = Vec::new();
    let mut last = None;
    for form in forms {
        let content = bytes(form)?;
        let name = form.display().to_string();
        let source = Source { name: &name, bytes: &content };
        let rows_now = Source { name: &table_name, bytes: &table };
        let read = import::mds2(source, rows_now, &Known::default(), today)
            .map_err(|error| refusal(&error))?;
        let about = &read.disclosure;
        let models = about.models.join(", ");
        let _ = writeln!(text, "{name}: {} {models}, {} devices", about.manufacturer, read.matched);
        for change in &read.changes {
            let what = if change.is_applied { "set" } else { "suggested" };
            let _ = writeln!(
                text,
                "  {} {what}: {} {} → {} (questions {})",
                change.device,
                change.column,
                if change.before.is_empty() { "nothing" } else { &change.before },
                change.after,
                change.questions.join(", ")
            );
            rows.push(json!({
                "form": name, "device": change.device, "column": change.column, "before": change.before,
                "after": change.after, "questions": change.questions, "applied": change.is_applied,
            }));
        }
        let mut written = Vec::new();
        import::write(&read.imported.accepted, &mut written)
            .map_err(|error| Failure::Bug(error.to_string()))?;
        if read.imported.held.is_empty() {
            table = written;
        }
        last = Some(read.imported);
    }
    match last {
        Some(imported) => finish(&imported, out, text, &json!({ "changes": rows })),
        None => Err(Failure::usage("no form was named", "name at least one MDS2 form")),
    }
}

/// Writes the accepted rows and reports the held ones. With a conflict no table is written, so that
/// no half inventory is taken for a whole one; `--json` shows what was accepted.
fn finish(
    imported: &Imported,
    out: Option<&Path>,
    mut text: String,
    more: &Value,
) -> Result<Outcome, Failure> {
    let mut csv = Vec::new();
    import::write(&imported.accepted, &mut csv).map_err(|error| Failure::Bug(error.to_string()))?;
    let csv = String::from_utf8(csv).map_err(|error| Failure::Bug(error.to_string()))?;
    let clean = imported.conflicts.is_empty();
    let mut notes = String::new();
    for warning in &imported.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let _ = writeln!(
        text,
        "{} rows read: {} accepted, {} held, {} blank",
        imported.rows_read,
        imported.accepted.len(),
        imported.held.len(),
        imported.rows_blank
    );
    for (column, header) in &imported.mapping {
        let _ = writeln!(text, "  {column} ← {header}");
    }
    if !imported.headers_unused.is_empty() {
        let _ = writeln!(text, "  not read: {}", imported.headers_unused.join(", "));
    }
    for conflict in imported.conflicts.iter().take(CONFLICTS_SHOWN) {
        write_conflict(&mut text, conflict);
    }
    if imported.conflicts.len() > CONFLICTS_SHOWN {
        let _ = writeln!(
            text,
            "… and {} more; --json lists all",
            imported.conflicts.len() - CONFLICTS_SHOWN
        );
    }
    match out {
        Some(path) if clean => {
            fs::write(path, &csv).map_err(|error| Failure::path(path, &error))?;
            let _ = writeln!(text, "written: {}", path.display());
        }
        Some(path) => {
            let _ = writeln!(
                text,
                "not written: {}; mend the export, or its rows, first",
                path.display()
            );
        }
        None if clean => notes = std::mem::replace(&mut text, csv.clone()),
        None => text.push_str("not written; mend the export, or its rows, first\n"),
    }
    let json = json!({
        "rows_read": imported.rows_read, "accepted": imported.accepted.len(),
        "held": imported.held.iter().map(|device| device.row).collect::<Vec<_>>(),
        "rows_blank": imported.rows_blank, "conflicts": imported.conflicts,
        "warnings": imported.warnings, "devices_csv": csv, "more": more,
    });
    let exit = if clean { Exit::Done } else { Exit::Data };
    Ok(Outcome { notes, exit, ..Outcome::done(text, json) })
}

fn write_conflict(text: &mut String, conflict: &Conflict) {
    let other = conflict.other_row.map(|row| format!(" (and row {row})")).unwrap_or_default();
    let _ = writeln!(
        text,
        "conflict[{}]: row {}{other}, {} `{}`: {}\n  help: {}",
        conflict.label,
        conflict.row,
        conflict.column,
        conflict.text,
        conflict.message,
        conflict.help
    );
}
