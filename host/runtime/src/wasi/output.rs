//! Splits printed bytes into log lines.

use lockgate_domain::LogLevel;

/// The longest line, in bytes. A longer one continues in the next line, so that a plugin which prints without line breaks
/// only fills the log.
const LONGEST: usize = 4096;

/// A standard stream for output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StandardStream {
    Out,
    Err,
}

impl StandardStream {
    pub(super) fn level(self) -> LogLevel {
        match self {
            Self::Out => LogLevel::Info,
            Self::Err => LogLevel::Warn,
        }
    }

    /// The number of the handle of the stream.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Out => 1,
            Self::Err => 2,
        }
    }

    /// The stream whose handle has that number.
    pub(super) fn of(number: u32) -> Self {
        if number == Self::Err.number() { Self::Err } else { Self::Out }
    }
}

/// Collects bytes until a line is complete. Bytes that are not UTF-8 become `�`.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    begun: Vec<u8>,
}

impl LineBuffer {
    pub(super) fn print(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (mut rest, ends) = match piece.strip_suffix(b"\n") {
                Some(rest) => (rest, true),
                None => (piece, false),
            };
            while let Some((now, later)) = self.too_long(rest) {
                self.begun.extend_from_slice(now);
                self.finish(&mut line);
                rest = later;
            }
            self.begun.extend_from_slice(rest);
            if ends {
                line(self.take());
            }
        }
    }

    /// Ends an incomplete line.
    pub(super) fn finish(&mut self, mut line: impl FnMut(String)) {
        if !self.begun.is_empty() {
            line(self.take());
        }
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.begun);
        String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(&bytes)).into_owned()
    }

    /// The place to cut a line that becomes too long: before the character that does not fit.
    fn too_long<'a>(&self, piece: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let room = LONGEST.saturating_sub(self.begun.len());
        if piece.len() <= room {
            return None;
        }
        let is_inside = |at: usize| piece.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
        let cut = (room.saturating_sub(3)..=room).rev().find(|at| !is_inside(*at)).unwrap_or(room);
        piece.split_at_checked(cut)
    }
}

/// The end of the output to standard error, which usually says why a program stopped.
#[derive(Debug, Default)]
pub(super) struct LastWords {
    printed: Vec<u8>,
    /// Whether earlier output was dropped.
    cut: bool,
}

impl LastWords {
    /// The most bytes that are kept.
    const KEPT: usize = 1024;

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.printed.extend_from_slice(bytes);
        let too_much = self.printed.len().saturating_sub(Self::KEPT);
        if too_much > 0 {
            self.printed.drain(..too_much);
            self.cut = true;
        }
    }

    /// The output in one line; none if it is empty.
    pub(super) fn in_one_line(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.printed);
        let lines = text.lines().map(|line| line.replace(char::is_control, " ").trim().to_owned());
        let said: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        let before = if self.cut { "… " } else { "" };
        (!said.is_empty()).then(|| format!("{before}{}", said.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn last_words(pieces: &[&[u8]]) -> Option<String> {
        let mut words = LastWords::default();
        for piece in pieces {
            words.hear(piece);
        }
        words.in_one_line()
    }

    #[test]
    fn last_words_are_one_line_without_control_characters() {
        assert_eq!(last_words(&[]), None);
        assert_eq!(last_words(&[b"\n \n"]), None);
        assert_eq!(
            last_words(&[b"panicked at a.rs:1:2:\n", b"no\x1b[31m way\n"]).unwrap(),
            "panicked at a.rs:1:2:; no [31m way"
        );
    }

    #[test]
    fn the_last_of_many_words_are_kept() {
        let words = last_words(&[&[b'a'; 5000], b"the end"]).unwrap();
        assert!(words.starts_with("… aaa") && words.ends_with("the end"), "{words}");
        assert_eq!(words.len(), "… ".len() + LastWords::KEPT);
    }

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let (mut lines, mut made) = (LineBuffer::default(), Vec::new());
        for piece in pieces {
            lines.print(piece, |line| made.push(line));
        }
        lines.finish(|line| made.push(line));
        made
    }

    #[test]
    fn a_line_ends_at_its_line_break_however_it_was_printed() {
        assert_eq!(lines(&[b"one\ntw", b"o\r\n", b"\n", b"three"]), ["one", "two", "", "three"]);
        assert_eq!(lines(&[b"one\n"]), ["one"]);
        assert_eq!(lines(&[]), [""; 0]);
    }

    #[test]
    fn what_is_no_utf_8_is_still_shown() {
        assert_eq!(lines(&[b"a\xffb"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        let made = lines(&[b"x", long.as_bytes()]);
        let lengths: Vec<usize> = made.iter().map(String::len).collect();
        assert_eq!(lengths, [LONGEST - 1, LONGEST, 2]);
        assert_eq!(made.concat(), format!("x{long}"));
        assert_eq!(lines(&[&[0x80; LONGEST + 1]]).len(), 2);
    }
}
