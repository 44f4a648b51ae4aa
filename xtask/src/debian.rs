//! What builds and tests need from the system, and its installation on Debian.

use std::fs;
use std::io::{Write, stderr, stdin};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cross::{ANDROID, WASM, toolchain_has};
use crate::process::{self, on_path};
use crate::test::Outcome;

/// Something that comes with a package.
struct Need {
    /// A program on PATH, or a path.
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

const NEEDS: [Need; 7] = [
    Need {
        program: "postgres",
        package: "postgresql-15",
        why: "the store's tests on PostgreSQL; they start their own server",
    },
    Need {
        program: "openssl",
        package: "openssl",
        why: "the seed's protocol through a bare TLS client",
    },
    Need {
        program: "python3",
        package: "python3",
        why: "the seed's protocol from a script",
    },
    Need {
        program: "c++",
        package: "g++",
        why: "the fuzzer's runtime",
    },
    Need {
        program: "curl",
        package: "curl",
        why: "downloads by a client that nobody here wrote",
    },
    NODE,
    NPM,
];

const NODE: Need = Need {
    program: "node",
    package: "nodejs",
    why: "the web app's build",
};

const NPM: Need = Need {
    program: "npm",
    package: "npm",
    why: "the web app's build",
};

/// A compiler for browsers, where rustup has put none.
const BROWSERS: [Need; 4] = [
    Need {
        program: "/usr/bin/rustc",
        package: "rustc-web",
        why: "a compiler for browsers",
    },
    Need {
        program: "/usr/bin/cargo",
        package: "cargo-web",
        why: "the same",
    },
    Need {
        program: "/usr/lib/rustlib/src/rust/library",
        package: "rust-web-src",
        why: "the standard library's source, to build it for browsers and phones",
    },
    Need {
        program: "wasm-ld",
        package: "lld",
        why: "a linker for browsers",
    },
];

/// What C code in dependencies wants, even to be looked at only.
const PHONES: [Need; 2] = [
    Need {
        program: "clang",
        package: "clang",
        why: "C for phones",
    },
    Need {
        program: "/usr/aarch64-linux-gnu/include/stdint.h",
        package: "libc6-dev-arm64-cross",
        why: "headers of C for phones",
    },
];

/// The app in a window.
const DESKTOP: [Need; 6] = [
    Need {
        program: "/usr/include/openssl/ssl.h",
        package: "libssl-dev",
        why: "a part of Dioxus that nothing here connects with",
    },
    Need {
        program: "/usr/include/webkitgtk-4.1/webkit2/webkit2.h",
        package: "libwebkit2gtk-4.1-dev",
        why: "the webview of the app's window",
    },
    Need {
        program: "/usr/include/gtk-3.0/gtk/gtk.h",
        package: "libgtk-3-dev",
        why: "the app's window",
    },
    Need {
        program: "/usr/include/xdo.h",
        package: "libxdo-dev",
        why: "the app's window",
    },
    Need {
        program: "/usr/include/libayatana-appindicator3-0.1/libayatana-appindicator/app-indicator.h",
        package: "libayatana-appindicator3-dev",
        why: "the app's window",
    },
    Need {
        program: "/usr/include/librsvg-2.0/librsvg/rsvg.h",
        package: "librsvg2-dev",
        why: "the app's window",
    },
];

/// A screen that nobody sees, for the app's window.
const SCREEN: [Need; 4] = [
    Need {
        program: "Xvfb",
        package: "xvfb",
        why: "a screen for the app's window",
    },
    Need {
        program: "xdotool",
        package: "xdotool",
        why: "a keyboard and a mouse for the app's window",
    },
    Need {
        program: "dbus-run-session",
        package: "dbus-daemon",
        why: "the session that the app's window talks to",
    },
    Need {
        program: "import",
        package: "imagemagick",
        why: "pictures of the app's window",
    },
];

/// A browser that tests drive.
const BROWSER: [Need; 6] = [
    Need {
        program: "/usr/bin/chromium",
        package: "chromium",
        why: "the browser that the app's stories play in",
    },
    Need {
        program: "chromedriver",
        package: "chromium-driver",
        why: "what starts the browser for the store's tests",
    },
    Need {
        program: "WebKitWebDriver",
        package: "webkit2gtk-driver",
        why: "a browser with the engine of iPhones, and what starts it",
    },
    Need {
        program: "certutil",
        package: "libnss3-tools",
        why: "to have the browser trust a test's CA",
    },
    Need {
        program: "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
        package: "fonts-noto-core",
        why: "the letters in pictures of the app",
    },
    Need {
        program: "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
        package: "fonts-noto-color-emoji",
        why: "the emoji in pictures of the app",
    },
];

/// Installs what the tests need on Debian and its kin; elsewhere names what is missing.
pub(crate) fn install_for_tests(ask: bool) -> Result<Outcome> {
    let mut needs: Vec<&Need> = NEEDS.iter().collect();
    // Elsewhere the stages that need these are left out.
    if on_path("apt-get").is_some() {
        needs.extend(for_target(WASM)?);
        needs.extend(for_target(ANDROID)?);
        needs.extend(&BROWSER);
        needs.extend(&DESKTOP);
        needs.extend(&SCREEN);
    }
    install_missing(&needs, ask)?;
    Ok(Outcome::Passed)
}

/// The same for the web app's build.
pub(crate) fn install_for_web(ask: bool) -> Result<()> {
    let mut needs = for_target(WASM)?;
    needs.extend([&NODE, &NPM]);
    install_missing(&needs, ask)
}

/// The same for the app in a window.
pub(crate) fn install_for_desktop(ask: bool) -> Result<()> {
    install_missing(&DESKTOP.iter().collect::<Vec<_>>(), ask)
}

/// The same for checks of the app for Android.
pub(crate) fn install_for_mobile(ask: bool) -> Result<()> {
    install_missing(&for_target(ANDROID)?, ask)
}

fn for_target(target: &str) -> Result<Vec<&'static Need>> {
    let mut needs = Vec::new();
    if !toolchain_has(target)? {
        needs.extend(&BROWSERS);
    }
    if target == ANDROID {
        needs.extend(&PHONES);
    }
    Ok(needs)
}

fn install_missing(needs: &[&Need], ask: bool) -> Result<()> {
    let missing: Vec<&Need> = needs
        .iter()
        .copied()
        .filter(|need| !is_there(need.program))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        eprintln!(
            "missing: {} (package {}): {}",
            need.program, need.package, need.why
        );
    }
    let Some(apt) = on_path("apt-get") else {
        bail!("these programs have to be on PATH, and only on Debian are they installed by this command");
    };
    if ask {
        eprint!("Install these packages with apt-get? [y/N] ");
        stderr().flush()?;
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("it doesn't work without these packages");
        }
    }
    let administrate = |arguments: &[&str]| -> Result<()> {
        let mut command = if is_root()? {
            Command::new(&apt)
        } else {
            let mut sudo = Command::new("sudo");
            sudo.arg("DEBIAN_FRONTEND=noninteractive").arg(&apt);
            sudo
        };
        process::run(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    administrate(&["update"])?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(missing.iter().map(|need| need.package));
    administrate(&install)?;
    match missing.iter().find(|need| !is_there(need.program)) {
        Some(need) => bail!("{} was installed, but {} isn't there", need.package, need.program),
        None => Ok(()),
    }
}

fn is_there(program: &str) -> bool {
    if program.starts_with('/') {
        return Path::new(program).exists();
    }
    on_path(program).is_some() || (program == "postgres" && debian_postgres().is_some())
}

/// Debian keeps PostgreSQL's server off PATH, a folder a version.
fn debian_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut programs = versions
        .flatten()
        .map(|version| version.path().join("bin/postgres"));
    programs.find(|program| program.is_file())
}

fn is_root() -> Result<bool> {
    let status =
        fs::read_to_string(Path::new("/proc/self/status")).context("can't tell whose process this is")?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    // Real, effective, saved and file system id; the effective one counts.
    Ok(ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0"))
}
