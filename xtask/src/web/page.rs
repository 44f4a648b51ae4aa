//! The page, with the names of this build in it.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Where the page wants its links and scripts.
const PLACE: &str = "<!-- kith:assets -->";

/// The addresses of what was bundled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Bundled {
    script: String,
    style: String,
    module: String,
    others: Vec<String>,
}

impl Bundled {
    /// Reads esbuild's account of what it wrote.
    pub(crate) fn read(facts: &Path) -> Result<Self> {
        Self::of(&serde_json::from_slice(&fs::read(facts)?)?)
    }

    fn of(facts: &serde_json::Value) -> Result<Self> {
        let outputs = facts.get("outputs").and_then(|outputs| outputs.as_object());
        let mut bundled = Self::default();
        for (path, output) in outputs.context("esbuild names no outputs")? {
            let name = path.rsplit('/').next().unwrap_or(path);
            let address = format!("/assets/{name}");
            let entry = output.get("entryPoint").and_then(|entry| entry.as_str());
            match entry {
                Some("app/web/main.js") => bundled.script = address,
                Some("app/web/style.css") => bundled.style = address,
                _ if name.ends_with(".wasm") => bundled.module = address,
                _ => bundled.others.push(address),
            }
        }
        if [&bundled.script, &bundled.style, &bundled.module]
            .iter()
            .any(|address| address.is_empty())
        {
            bail!("script, style sheet or module is missing in {bundled:?}");
        }
        Ok(bundled)
    }

    /// All addresses, for the service worker to keep.
    pub(crate) fn addresses(&self) -> Vec<&str> {
        let own = [&self.script, &self.style, &self.module];
        own.into_iter().chain(&self.others).map(String::as_str).collect()
    }
}

/// The page of this template.
pub(crate) fn fill(template: &Path, bundled: &Bundled) -> Result<String> {
    let text = fs::read_to_string(template).with_context(|| format!("can't read {}", template.display()))?;
    filled(&text, bundled).with_context(|| format!("{} can't be used", template.display()))
}

fn filled(template: &str, bundled: &Bundled) -> Result<String> {
    let Bundled {
        script,
        style,
        module,
        ..
    } = bundled;
    if template.matches(PLACE).count() != 1 {
        bail!("it has to hold `{PLACE}` once");
    }
    // The server's Content-Security-Policy lets none of it take effect.
    for inline in [
        "<style",
        " style=",
        "<script",
        " onclick=",
        " onload=",
        "javascript:",
    ] {
        if template.contains(inline) {
            bail!("nothing may stand inside the page that belongs into a file of its own: `{inline}`");
        }
    }
    let links = format!(
        "<link rel=\"preload\" href=\"{module}\" as=\"fetch\" type=\"application/wasm\" crossorigin>\n\
         <link rel=\"stylesheet\" href=\"{style}\">\n\
         <script type=\"module\" src=\"{script}\"></script>"
    );
    Ok(template.replace(PLACE, &links))
}

/// A word that differs when the page does, and with it any of the files that it names.
pub(crate) fn version(page: &str) -> String {
    let mut hasher = DefaultHasher::new();
    page.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "these are tests")]
mod tests {
    use serde_json::json;

    use super::*;

    fn bundled() -> Bundled {
        Bundled::of(&json!({"outputs": {
            "../target/web/new/assets/main-AB.js": {"entryPoint": "app/web/main.js"},
            "../target/web/new/assets/style-CD.css": {"entryPoint": "app/web/style.css"},
            "../target/web/new/assets/kith_bg-EF.wasm": {},
            "../target/web/new/assets/icon-GH.svg": {},
        }}))
        .unwrap()
    }

    #[test]
    fn a_page_names_the_files_of_its_build() {
        let page = filled(&format!("<head>\n{PLACE}\n</head>"), &bundled()).unwrap();
        for link in [
            "src=\"/assets/main-AB.js\"",
            "href=\"/assets/style-CD.css\"",
            "/kith_bg-EF.wasm",
        ] {
            assert!(page.contains(link), "{page}");
        }
        assert!(!page.contains(PLACE));
        assert_eq!(bundled().addresses().len(), 4);
    }

    #[test]
    fn a_page_that_the_policy_would_break_is_refused() {
        for body in [
            "",
            &format!("{PLACE}{PLACE}"),
            &format!("{PLACE}<script>1</script>"),
        ] {
            assert!(filled(body, &bundled()).is_err(), "{body}");
        }
        assert!(Bundled::of(&json!({"outputs": {}})).is_err());
    }
}
