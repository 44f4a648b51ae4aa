//! What films, and pictures that are kept as films are, say beside what is seen and heard of them (ISO/IEC 14496-12, 23008-12).
//!
//! Films are large, so only what stands between their frames is read, and nothing is moved: what says too much is made blank. The
//! libraries that were found read a file whole or write it anew, and would take a browser more than this does.

use super::Blank;

/// Most bytes of a box that is read whole, and of all that is made blank.
const WHOLE: u64 = 64 * 1024 * 1024;

/// Most boxes that lie beside each other, and most parts that are made blank.
const MANY: usize = 10_000;

/// Most items that say something of a picture.
const ITEMS: usize = 100;

/// What is read of a box to know what it is.
const HEAD: u64 = 16;

/// The boxes of a file that what is seen and heard needs. All others say something of it.
const KEPT: &[u8] = b"ftyp styp mdat moof mfra sidx ssix free skip wide ";

/// Tracks of what is seen and heard. All others say something of it, such as where a camera was from moment to moment.
const TRACKS: &[u8] = b"vide soun auxv pict text sbtl subt subp clcp tmcd ";

/// How a film shows what is all around ("Spherical Video V1"): what else has such a number for a name says something of it.
const SPHERICAL: &[u8] = b"\xff\xcc\x82\x63\xf8\x55\x4a\x93\x88\x14\x58\x7a\x02\x52\x1f\xdd";

/// A file that is read as far as is needed.
pub struct Boxes {
    /// What of it is to be made blank, in order.
    pub blanks: Vec<Blank>,
    /// Something can't be understood, or is too much, and stays as it is.
    pub is_partly_read: bool,
    size: u64,
    at: u64,
    wanted: u64,
    seen: usize,
}

/// A box in another.
struct Part<'a> {
    kind: &'a [u8],
    /// Where it begins, from the beginning of the other's content.
    at: u64,
    /// What names it and its size.
    head: &'a [u8],
    content: &'a [u8],
}

impl Boxes {
    /// A file of so many bytes.
    pub fn of(size: u64) -> Self {
        Self {
            blanks: Vec::new(),
            is_partly_read: false,
            size,
            at: 0,
            wanted: HEAD,
            seen: 0,
        }
    }

    /// What has to be read next: from where on, and how many bytes. None at the end.
    pub fn wanted(&self) -> Option<(u64, u64)> {
        let rest = self.size.checked_sub(self.at).filter(|rest| *rest > 0)?;
        Some((self.at, rest.min(self.wanted)))
    }

    /// Takes what was wanted.
    pub fn take(&mut self, bytes: &[u8]) {
        if self.next(bytes).is_none() {
            self.is_partly_read = true;
            self.at = self.size;
        }
    }

    fn next(&mut self, bytes: &[u8]) -> Option<()> {
        let (at, wanted) = self.wanted()?;
        let (kind, head, length) = head(bytes, self.size - at)?;
        let read = bytes.len() as u64;
        if matches!(kind, b"moov" | b"meta") && read < length {
            self.wanted = length;
            return (read == wanted && length <= WHOLE).then_some(());
        }
        self.seen += 1;
        let content = bytes.get(head.len()..usize::try_from(length).ok()?.min(bytes.len()))?;
        let inner = at + head.len() as u64;
        let understood = match kind {
            b"moov" => self.film(content, inner, 0),
            b"meta" if handler(content.get(4..)?) == Some(b"pict") => {
                self.picture(content.get(4..)?, inner + 4)
            }
            _ if is_among(kind, KEPT) => Some(()),
            _ => self.free(head, at, length),
        };
        self.is_partly_read |= understood.is_none();
        self.at += length;
        self.wanted = HEAD;
        (self.seen < MANY).then_some(())
    }

    /// A film, in it a track, in it what it consists of.
    fn film(&mut self, bytes: &[u8], at: u64, depth: u32) -> Option<()> {
        for part in parts(bytes)? {
            let Part { kind, content, .. } = part;
            let at = at + part.at;
            let inner = at + part.head.len() as u64;
            let length = part.length();
            let about = || part_of(content, b"mdia").and_then(handler).unwrap_or_default();
            let understood = match (kind, depth) {
                (b"trak", 0) if !is_among(about(), TRACKS) => {
                    self.samples(content).and(self.free(part.head, at, length))
                }
                (b"trak", 0) | (b"mdia", 1) => self.film(content, inner, depth + 1),
                (b"mvhd" | b"tkhd" | b"mdhd", _) => self.times(content, inner),
                (b"uuid", _) if content.starts_with(SPHERICAL) => Some(()),
                (b"udta" | b"meta" | b"uuid", _) => self.free(part.head, at, length),
                // It is packed.
                (b"cmov", _) => None,
                _ => Some(()),
            };
            self.is_partly_read |= understood.is_none();
        }
        Some(())
    }

    /// When something was made and changed, as three kinds of heads begin (sections 8.2.2, 8.3.2 and 8.4.2).
    fn times(&mut self, content: &[u8], at: u64) -> Option<()> {
        let length = if content.first()? == &0 { 8 } else { 16 };
        match content.get(4..4 + length)?.iter().all(|byte| *byte == 0) {
            true => Some(()),
            false => self.blank(at + 4, length as u64, &[]),
        }
    }

    /// What a track says, which lies where frames lie.
    fn samples(&mut self, track: &[u8]) -> Option<()> {
        let path = [b"mdia", b"minf", b"stbl"];
        let table = path.iter().try_fold(track, |bytes, kind| part_of(bytes, *kind))?;
        let mut sizes = part_of(table, b"stsz")?;
        let size_of_all = number(&mut sizes, 8)? & 0xffff_ffff;
        number(&mut sizes, 4)?;
        let mut runs = part_of(table, b"stsc")?;
        number(&mut runs, 8)?;
        let (mut chunks, width) = match part_of(table, b"stco") {
            Some(chunks) => (chunks, 4),
            None => (part_of(table, b"co64")?, 8),
        };
        number(&mut chunks, 8)?;
        let (mut chunk, mut many) = (0, 0);
        while let Some(at) = number(&mut chunks, width) {
            chunk += 1;
            if number(&mut { runs }, 4) == Some(chunk) {
                many = number(&mut runs, 8)? & 0xffff_ffff;
                number(&mut runs, 4)?;
            }
            let length = match size_of_all {
                0 => (0..many).try_fold(0, |sum, _| Some(sum + number(&mut sizes, 4)?))?,
                size => size * many,
            };
            self.blank(at, length, &[])?;
        }
        // Else it is elsewhere.
        (chunk > 0).then_some(())
    }

    /// A picture, of which is told in items.
    fn picture(&mut self, bytes: &[u8], at: u64) -> Option<()> {
        let parts = parts(bytes)?;
        let mut items = Vec::new();
        let mut inside = None;
        for part in &parts {
            let inner = at + part.at + part.head.len() as u64;
            match part.kind {
                b"idat" => inside = Some(inner),
                b"iinf" => self.items(part.content, inner, &mut items)?,
                b"uuid" | b"xml " | b"bxml" => self.free(part.head, at + part.at, part.length())?,
                _ => {}
            }
        }
        let mut places = parts.iter().find(|part| part.kind == b"iloc")?.content;
        let places = &mut places;
        let version = number(places, 4)? >> 24;
        let widths = number(places, 2)?;
        let width = |place: u32| (widths >> place & 15) as usize;
        let short = if version < 2 { 2 } else { 4 };
        // Else a few bytes could stand for any number of them.
        if width(8) == 0 {
            return None;
        }
        for _ in 0..number(places, short)? {
            let item = number(places, short)?;
            let method = if version > 0 { number(places, 2)? & 15 } else { 0 };
            let elsewhere = number(places, 2)?;
            let base = number(places, width(4))?;
            let is_said = items.contains(&item);
            for _ in 0..number(places, 2)? {
                number(places, if version > 0 { width(0) } else { 0 })?;
                let offset = number(places, width(12))?.checked_add(base)?;
                let length = number(places, width(8))?;
                if is_said {
                    let from = match (elsewhere, method) {
                        (0, 0) => 0,
                        (0, 1) => inside?,
                        _ => return None,
                    };
                    // Nothing stands for all there is.
                    (length > 0).then_some(())?;
                    self.blank(from.checked_add(offset)?, length, &[])?;
                }
            }
        }
        Some(())
    }

    /// Finds the items that say something of a picture, which become of a kind that says nothing.
    fn items(&mut self, bytes: &[u8], at: u64, found: &mut Vec<u64>) -> Option<()> {
        let mut entries = bytes;
        let version = number(&mut entries, 4)? >> 24;
        number(&mut entries, if version == 0 { 2 } else { 4 })?;
        let at = at + (bytes.len() - entries.len()) as u64;
        for part in parts(entries)? {
            let mut entry = part.content;
            let version = number(&mut entry, 4)? >> 24;
            let item = number(&mut entry, if version < 3 { 2 } else { 4 })?;
            number(&mut entry, 2)?;
            let kind = entry.get(..4).filter(|_| version > 1)?;
            if matches!(kind, b"Exif" | b"mime" | b"uri ") {
                found.push(item);
                self.blank(at + part.at + part.length() - entry.len() as u64, 4, b"free")?;
            }
        }
        (found.len() <= ITEMS).then_some(())
    }

    /// A box becomes free space, and nothing in it stays.
    fn free(&mut self, head: &[u8], at: u64, length: u64) -> Option<()> {
        let mut begins = b"free".to_vec();
        begins.extend(head.get(8..)?);
        self.blank(at + 4, length - 4, &begins)
    }

    /// Something becomes blank, unless there is something else to be done with it already.
    fn blank(&mut self, at: u64, length: u64, begins: &[u8]) -> Option<()> {
        let blank = Blank {
            at,
            length,
            begins: begins.to_vec(),
        };
        let place = self.blanks.partition_point(|other| other.at < at);
        let (before, behind) = self.blanks.split_at_checked(place)?;
        if length == 0 || behind.first() == Some(&blank) {
            return Some(());
        }
        let is_free = before.last().is_none_or(|before| before.end() <= at)
            && behind.first().is_none_or(|behind| blank.end() <= behind.at);
        let all: u64 = self.blanks.iter().map(|blank| blank.length).sum();
        if !is_free
            || blank.end() > self.size
            || all.saturating_add(length) > WHOLE
            || self.blanks.len() >= MANY
        {
            return None;
        }
        self.blanks.insert(place, blank);
        Some(())
    }
}

impl Part<'_> {
    fn length(&self) -> u64 {
        (self.head.len() + self.content.len()) as u64
    }
}

/// The kind of the box that begins here, its head and its length, of which there can't be more than this (section 4.2).
fn head(bytes: &[u8], rest: u64) -> Option<(&[u8], &[u8], u64)> {
    let mut numbers = bytes;
    let short = number(&mut numbers, 8)? >> 32;
    let (head, length) = match short {
        0 => (8, rest),
        1 => (16, number(&mut numbers, 8)?),
        length => (8, length),
    };
    let fits = head as u64 <= length && length <= rest;
    fits.then_some((bytes.get(4..8)?, bytes.get(..head)?, length))
}

/// The boxes inside another, behind which a few bytes may lie.
fn parts(bytes: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while rest.len() >= 8 {
        let at = (bytes.len() - rest.len()) as u64;
        let (kind, head, length) = head(rest, rest.len() as u64)?;
        let (part, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = behind;
        parts.push(Part {
            kind,
            at,
            head,
            content: part.get(head.len()..)?,
        });
        (parts.len() < MANY).then_some(())?;
    }
    Some(parts)
}

/// The content of the first box of a kind.
fn part_of<'a>(bytes: &'a [u8], kind: &[u8]) -> Option<&'a [u8]> {
    let part = parts(bytes)?.into_iter().find(|part| part.kind == kind)?;
    Some(part.content)
}

/// What a part is about.
fn handler(bytes: &[u8]) -> Option<&[u8]> {
    part_of(bytes, b"hdlr")?.get(8..12)
}

fn is_among(kind: &[u8], kinds: &[u8]) -> bool {
    kinds.chunks(5).any(|one| one.starts_with(kind))
}

/// Takes a number of so many bytes.
fn number(bytes: &mut &[u8], length: usize) -> Option<u64> {
    let (number, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests;
