//! How large the web app is, and how large it may be.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// What a phone may have to fetch before it shows the app: scripts, style sheets and modules in brotli, in bytes.
/// docs/PERFORMANCE.md says what it takes to stay below.
const BUDGET: u64 = 450_000;

/// Prints the sizes; too much is an error where `is_strict`.
pub(crate) fn judge(app: &Path, is_strict: bool) -> Result<()> {
    let mut total = 0;
    println!("{:>10} {:>10}", "bytes", "brotli");
    for folder in [app.join("assets"), app.to_owned()] {
        for path in sorted(&folder)? {
            let is_code = path
                .extension()
                .is_some_and(|extension| ["css", "js", "wasm"].iter().any(|kind| extension == *kind));
            if !is_code {
                continue;
            }
            let size = fs::metadata(&path)?.len();
            let mut compressed = path.clone().into_os_string();
            compressed.push(".br");
            let brotli = fs::metadata(&compressed).map_or(size, |facts| facts.len());
            let name = path.strip_prefix(app).unwrap_or(&path);
            println!("{size:>10} {brotli:>10}  {}", name.display());
            total += brotli;
        }
    }
    println!("{:>10} {total:>10}  of {BUDGET} in all", "");
    if is_strict && total > BUDGET {
        bail!("the web app is too large: {total} bytes in brotli, and {BUDGET} at most");
    }
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
