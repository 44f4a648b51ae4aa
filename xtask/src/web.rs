//! `cargo xtask web`: the web app, as a folder of files that the server sends.

mod page;
mod sizes;

use std::fs;
use std::io::{IsTerminal as _, stdin};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::cross::{Cross, WASM};
use crate::debian;
use crate::process;
use crate::tools;
use crate::workspace::Workspace;

/// Builds the web app into target/web/dist
///
/// It needs a compiler for browsers (`rustup target add wasm32-unknown-unknown`, or Debian's rustc-web) and Node.js with npm.
/// A server finds the app by what its kith.toml names as `directory` for the web, or by KITH_WEB__DIRECTORY.
#[derive(Args)]
pub(crate) struct Web {
    /// Build small and fast, which takes some minutes, and fail where it is too large
    #[arg(long)]
    release: bool,
    /// Keep the names of functions, for profilers: as it is released, but larger
    #[arg(long)]
    names: bool,
}

/// How a build is made.
#[derive(Clone, Copy)]
struct Way {
    profile: &'static str,
    /// What brotli is to try.
    quality: &'static str,
    is_release: bool,
    has_names: bool,
}

const RELEASE: Way = Way {
    profile: "web",
    quality: "11",
    is_release: true,
    has_names: false,
};

const DEVELOPMENT: Way = Way {
    profile: "web-dev",
    quality: "4",
    is_release: false,
    has_names: true,
};

/// What the compiler for browsers may make use of: what all of them have had since 2023 (rustc's own defaults).
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

impl Web {
    pub(crate) fn new(release: bool) -> Self {
        Self {
            release,
            names: false,
        }
    }

    /// `cargo xtask web`: installs what is missing first.
    pub(crate) fn command(self, workspace: &Workspace) -> Result<()> {
        if Cross::find(WASM)?.is_none() && process::on_path("apt-get").is_some() {
            debian::install_for_web(stdin().is_terminal())?;
        }
        self.run(workspace).map(drop)
    }

    /// Returns the folder of the app's files.
    pub(crate) fn run(self, workspace: &Workspace) -> Result<PathBuf> {
        let Some(cross) = Cross::find(WASM)? else {
            bail!(
                "there is no compiler for browsers here: `rustup target add {WASM}`, or on Debian \
                 `apt-get install rustc-web cargo-web rust-web-src lld`"
            );
        };
        let mut way = if self.release { RELEASE } else { DEVELOPMENT };
        way.has_names |= self.names;
        let build = Build {
            workspace,
            way,
            folder: workspace.target.join("web").join(way.profile),
            node: tools::node(workspace)?,
        };
        build.run(&cross)
    }
}

struct Build<'a> {
    workspace: &'a Workspace,
    way: Way,
    folder: PathBuf,
    /// Where npm has put its packages.
    node: PathBuf,
}

impl Build<'_> {
    fn run(&self, cross: &Cross) -> Result<PathBuf> {
        let module = self.compile(cross)?;
        let bindings = self.bind(&module)?;
        if self.way.is_release {
            self.snip(&bindings)?;
            self.optimise(&bindings)?;
        }
        let new = self.folder.join("new");
        remove(&new)?;
        fs::create_dir_all(&new)?;
        copy(&self.sources().join("public"), &new)?;
        let bundled = self.bundle(&bindings, &new)?;
        let index = page::fill(&self.sources().join("index.html"), &bundled)?;
        fs::write(new.join("index.html"), &index)?;
        self.service_worker(&bundled, &index, &new)?;
        let mut compress = Command::new(process::needed("node")?);
        compress.arg(self.sources().join("compress.mjs"));
        process::run(compress.arg(&new).arg(self.way.quality))?;

        let finished = self.workspace.target.join("web/dist");
        remove(&finished)?;
        fs::rename(&new, &finished)?;
        let is_small = self.way.is_release && !self.way.has_names && cross.builds_library();
        sizes::judge(&finished, is_small)?;
        println!("The web app is in {}", finished.display());
        Ok(finished)
    }

    /// The app's folder of what only browsers need.
    fn sources(&self) -> PathBuf {
        self.workspace.root.join("app/web")
    }

    fn compile(&self, cross: &Cross) -> Result<PathBuf> {
        let profile = self.way.profile;
        let mut build = cross.cargo(self.workspace, "build");
        build.args(["--package", "kith-app", "--bin", "kith", "--profile", profile]);
        build.args(["--no-default-features", "--features", "web"]);
        if self.way.is_release {
            cross.leave_out_words(&mut build);
        }
        process::run(&mut build)?;
        Ok(cross.built(self.workspace, profile).join("kith.wasm"))
    }

    /// Makes what JavaScript needs to call the module, and the other way round.
    fn bind(&self, module: &Path) -> Result<PathBuf> {
        let folder = self.folder.join("bindings");
        remove(&folder)?;
        let mut bind = Command::new(tools::wasm_bindgen(self.workspace, "wasm-bindgen")?);
        bind.args([
            "--target",
            "web",
            "--no-typescript",
            "--out-name",
            "kith",
            "--out-dir",
        ]);
        bind.arg(&folder);
        process::run(bind.arg(module))?;
        Ok(folder)
    }

    /// Empties functions that are never called, by their names.
    fn snip(&self, bindings: &Path) -> Result<()> {
        let mut snip = Command::new(process::needed("node")?);
        // Where its import is found.
        let script = self.node.join("snip.mjs");
        fs::copy(self.sources().join("snip.mjs"), &script)?;
        process::run(snip.arg(script).arg(bindings.join("kith_bg.wasm")))
    }

    fn optimise(&self, bindings: &Path) -> Result<()> {
        let module = bindings.join("kith_bg.wasm");
        let mut optimise = self.npm_program("wasm-opt")?;
        // What more than -O1 takes away, brotli has taken already: -Oz leaves fewer bytes and more to send, by a hundredth. What is
        // told anew of how a function branches, though, is more alike from one function to another: less to send by a hundredth.
        optimise.args([
            "-O1",
            "--flatten",
            "--rereloop",
            "-O1",
            "-O1",
            "--strip-producers",
        ]);
        optimise.arg(if self.way.has_names {
            "--debuginfo"
        } else {
            "--strip-debug"
        });
        optimise.args(WASM_FEATURES);
        process::run(optimise.arg(&module).arg("-o").arg(&module))
    }

    /// Puts script, style sheet and module into one file each, whose names change with what is in them.
    fn bundle(&self, bindings: &Path, into: &Path) -> Result<page::Bundled> {
        let facts = self.folder.join("bundled.json");
        let mut bundle = self.npm_program("esbuild")?;
        bundle.args(["app/web/main.js", "app/web/style.css"]);
        bundle.args(["--bundle", "--format=esm", "--target=es2022", "--minify"]);
        bundle.args([
            "--legal-comments=none",
            "--log-level=warning",
            "--public-path=/assets",
        ]);
        bundle.args(["--entry-names=[name]-[hash]", "--asset-names=[name]-[hash]"]);
        for kind in ["wasm", "woff2", "svg", "png", "webp"] {
            bundle.arg(format!("--loader:.{kind}=file"));
        }
        bundle.arg(format!("--alias:kith={}", bindings.join("kith.js").display()));
        bundle.arg(format!(
            "--alias:kith-wasm={}",
            bindings.join("kith_bg.wasm").display()
        ));
        bundle.arg(format!("--outdir={}", into.join("assets").display()));
        bundle.arg(format!("--metafile={}", facts.display()));
        process::run(bundle.current_dir(&self.workspace.root))?;
        page::Bundled::read(&facts)
    }

    fn service_worker(&self, bundled: &page::Bundled, index: &str, into: &Path) -> Result<()> {
        let mut bundle = self.npm_program("esbuild")?;
        bundle.arg("app/web/sw.js");
        bundle.args([
            "--bundle",
            "--format=iife",
            "--target=es2022",
            "--minify",
            "--log-level=warning",
        ]);
        let assets = serde_json::to_string(&bundled.addresses())?;
        bundle.arg(format!("--define:KITH_ASSETS={assets}"));
        bundle.arg(format!("--define:KITH_VERSION={:?}", page::version(index)));
        bundle.arg(format!("--outfile={}", into.join("sw.js").display()));
        process::run(bundle.current_dir(&self.workspace.root))
    }

    /// A program of npm's, which is a script for Node.js.
    fn npm_program(&self, name: &str) -> Result<Command> {
        let mut command = Command::new(process::needed("node")?);
        command.arg(self.node.join(".bin").join(name));
        Ok(command)
    }
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("can't remove {}", folder.display()))?;
    }
    Ok(())
}

/// Copies what is in a folder; nothing, where there is none.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}
