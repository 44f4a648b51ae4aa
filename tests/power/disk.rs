//! A disk that forgets at a power cut what was not synced.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kith_tests::{Builder, Dice, Server};
use tempfile::TempDir;

/// What a disk writes at once.
const BLOCK: usize = 4096;

/// The folder that a server has as its disk, and what of it is durable: `interposer.c` says how that is kept.
pub(crate) struct Disk {
    root: PathBuf,
    platter: TempDir,
}

/// What survives a power cut of that which was written and not synced.
pub(crate) enum Unsynced {
    /// Nothing.
    Lost,
    /// Blocks of files and names in folders, each by chance.
    Scattered(Dice),
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Entry {
    inode: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    File,
    Folder,
    Link,
}

impl Disk {
    /// A new disk, and the builder of a server that lives on it.
    pub(crate) fn new() -> (Self, Builder) {
        let (folder, platter) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let disk = Self {
            root: folder.path().canonicalize().unwrap(),
            platter,
        };
        disk.settle();
        let variables = [
            ("LD_PRELOAD", disk.interposer()),
            ("POWER_DISK", disk.root.clone()),
            ("POWER_PLATTER", disk.platter.path().to_owned()),
        ];
        let builder = variables
            .iter()
            .fold(Server::builder().on(folder), |builder, (name, value)| {
                builder.set(name, value.to_str().unwrap())
            });
        (disk, builder)
    }

    /// From now on a sync of what matches one of these patterns does nothing, and says that all is well.
    pub(crate) fn ignore(&self, patterns: &[&str]) {
        self.order("ignore", &patterns.join("\n"));
    }

    /// The power goes instead of the `number`th sync from now (or from the next start) of what matches.
    pub(crate) fn cut_at(&self, number: u64, pattern: &str) {
        self.order("cut", &format!("{number} {pattern}"));
    }

    /// Takes back the order to cut the power.
    pub(crate) fn spare(&self) {
        self.order("cut", "");
    }

    /// How many syncs were done so far, of this file or folder, or of all below it if a `/` ends it.
    pub(crate) fn synced(&self, what: &str) -> usize {
        let journal = fs::read_to_string(self.platter.path().join("journal")).unwrap_or_default();
        let done = journal.lines().filter_map(|line| line.strip_prefix("+ "));
        done.filter(|path| *path == what || what.ends_with('/') && path.starts_with(what))
            .count()
    }

    /// What the server, which must be dead, finds when the power is back. The order to cut it is forgotten.
    pub(crate) fn lose_power(&self, unsynced: Unsynced) {
        self.spare();
        let image = self.platter.path().join("image");
        fs::create_dir(&image).unwrap();
        self.folder(&self.root, &image, &mut Choice::new(unsynced));
        empty(&self.root);
        for entry in fs::read_dir(&image).unwrap() {
            let entry = entry.unwrap();
            fs::rename(entry.path(), self.root.join(entry.file_name())).unwrap();
        }
        fs::remove_dir(&image).unwrap();
        self.settle();
    }

    /// All that is on the disk is durable now.
    pub(crate) fn settle(&self) {
        for folder in ["files", "folders", "pins"] {
            let folder = self.platter.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            empty(&folder);
        }
        self.settle_folder(&self.root);
    }

    fn settle_folder(&self, folder: &Path) {
        let mut list = String::new();
        for (name, entry) in names(folder) {
            let path = folder.join(&name);
            let kind = match entry.kind {
                Kind::File => 'f',
                Kind::Folder => 'd',
                Kind::Link => 'l',
            };
            list += &format!("{} {kind} {name}\n", entry.inode);
            if entry.kind == Kind::Folder {
                self.settle_folder(&path);
                continue;
            }
            fs::hard_link(&path, self.kept("pins", entry.inode)).unwrap();
            if entry.kind == Kind::File {
                fs::copy(&path, self.kept("files", entry.inode)).unwrap();
            }
        }
        fs::write(self.kept("folders", inode(folder)), list).unwrap();
    }

    /// Makes in `image` what the power cut leaves of a folder.
    fn folder(&self, folder: &Path, image: &Path, choice: &mut Choice) {
        let (durable, latest) = (self.durable_names(inode(folder)), names(folder));
        let all: BTreeSet<&String> = durable.keys().chain(latest.keys()).collect();
        for name in all {
            let (durable, latest) = (durable.get(name), latest.get(name));
            let entry = if durable != latest && choice.survives() {
                latest
            } else {
                durable
            };
            let Some(entry) = entry else { continue };
            let (now, then) = (folder.join(name), image.join(name));
            // A file may be elsewhere by now, or gone.
            let pin = self.kept("pins", entry.inode);
            let source = if pin.symlink_metadata().is_ok() { pin } else { now };
            match entry.kind {
                Kind::Folder => {
                    fs::create_dir(&then).unwrap();
                    self.folder(&source, &then, choice);
                }
                Kind::Link => symlink(fs::read_link(&source).unwrap(), &then).unwrap(),
                Kind::File => {
                    let durable = read(&self.kept("files", entry.inode));
                    fs::write(&then, choice.blend(durable, &read(&source))).unwrap();
                }
            }
            if entry.kind != Kind::Link {
                fs::set_permissions(&then, fs::metadata(&source).unwrap().permissions()).unwrap();
            }
        }
    }

    /// The names that a folder had when it was last synced: none, if it never was.
    fn durable_names(&self, inode: u64) -> BTreeMap<String, Entry> {
        let list = read(&self.kept("folders", inode));
        let list = String::from_utf8(list).unwrap();
        list.lines()
            .map(|line| {
                let mut parts = line.splitn(3, ' ');
                let inode = parts.next().unwrap().parse().unwrap();
                let kind = match parts.next().unwrap() {
                    "d" => Kind::Folder,
                    "l" => Kind::Link,
                    _ => Kind::File,
                };
                (parts.next().unwrap().to_owned(), Entry { inode, kind })
            })
            .collect()
    }

    fn kept(&self, what: &str, inode: u64) -> PathBuf {
        self.platter.path().join(what).join(inode.to_string())
    }

    /// Read at every sync, so it appears at once.
    fn order(&self, name: &str, text: &str) {
        let beside = self.platter.path().join("order");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.platter.path().join(name)).unwrap();
    }

    /// Compiles the interposer.
    fn interposer(&self) -> PathBuf {
        let library = self.platter.path().join("interposer.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("power/interposer.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-pthread", "-Wall", "-Werror", "-o"])
            .args([&library, &source])
            .status();
        assert!(compiled.unwrap().success(), "interposer.c can't be compiled");
        library
    }
}

/// Decides what of the unsynced survives.
struct Choice {
    dice: Option<Dice>,
    /// Of four.
    chance: u64,
}

impl Choice {
    fn new(unsynced: Unsynced) -> Self {
        match unsynced {
            Unsynced::Lost => Self {
                dice: None,
                chance: 0,
            },
            Unsynced::Scattered(mut dice) => Self {
                chance: dice.below(5),
                dice: Some(dice),
            },
        }
    }

    fn survives(&mut self) -> bool {
        let chance = self.chance;
        self.dice.as_mut().is_some_and(|dice| dice.below(4) < chance)
    }

    /// A file between what it was and what it should have become. What was never written is zeros.
    fn blend(&mut self, mut durable: Vec<u8>, latest: &[u8]) -> Vec<u8> {
        for (number, block) in latest.chunks(BLOCK).enumerate() {
            let start = number * BLOCK;
            let end = start + block.len();
            if durable.get(start..end) != Some(block) && self.survives() {
                if durable.len() < end {
                    durable.resize(end, 0);
                }
                durable[start..end].copy_from_slice(block);
            }
        }
        // The length is a thing of its own.
        if self.survives() {
            durable.resize(latest.len(), 0);
        }
        durable
    }
}

fn names(folder: &Path) -> BTreeMap<String, Entry> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeMap::new();
    };
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.path().symlink_metadata().unwrap();
            let kind = if metadata.is_dir() {
                Kind::Folder
            } else if metadata.is_symlink() {
                Kind::Link
            } else {
                Kind::File
            };
            let inode = metadata.ino();
            (entry.file_name().into_string().unwrap(), Entry { inode, kind })
        })
        .collect()
}

fn inode(folder: &Path) -> u64 {
    fs::metadata(folder).map_or(0, |metadata| metadata.ino())
}

/// A file's content; nothing, if it isn't there.
fn read(path: &Path) -> Vec<u8> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.unwrap(),
    }
}

fn empty(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}
