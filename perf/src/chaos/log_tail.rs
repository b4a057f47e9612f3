//! What the server writes to its log from now on.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use agent_bridge::wire::time;
use bridge_core::Timestamp;

use super::server::Server;

/// The end of a server's log.
#[derive(Debug)]
pub(super) struct LogTail {
    file: File,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
}

impl LogTail {
    /// From here on.
    pub(super) fn begin(server: &Server) -> Result<Self, String> {
        let path = server.log_path();
        let failed = |why: std::io::Error| format!("{}: {why}", path.display());
        let mut file = File::open(&path).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let begun = Vec::new();
        Ok(Self { file, begun })
    }

    /// The lines that were written since the last look.
    pub(super) fn new_lines(&mut self) -> Result<Vec<String>, String> {
        let read = self.file.read_to_end(&mut self.begun);
        read.map_err(|why| format!("the server's log: {why}"))?;
        let Some(end) = self.begun.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(Vec::new());
        };
        let rest = self.begun.split_off(end + 1);
        let whole = std::mem::replace(&mut self.begun, rest);
        let whole = String::from_utf8_lossy(&whole);
        Ok(whole.lines().map(str::to_owned).collect())
    }
}

/// The level that shows why each session ends, and nothing else that is not there by default.
pub(super) const SHOW_ENDS: &str =
    "info,actix_server=warn,actix_http::h1=off,agent_bridge::actors::session=debug";

/// The client whose session ends for this reason, if that is what a line says.
pub(super) fn ended<'a>(line: &'a str, reason: &str) -> Option<&'a str> {
    let told = line.split_once("closing ")?.1;
    let value = |name: &str| {
        let mut words = told.split_ascii_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    (value("reason")? == reason).then(|| value("client"))?
}

/// When a line was written, by the wall clock.
pub(super) fn written_at(line: &str) -> Option<Timestamp> {
    time::from_text(line.split_ascii_whitespace().next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_whose_session_ends_and_why() {
        let line = "2026-11-22T08:15:30.250000Z DEBUG closing session=ses_1 client=ann reason=Slow";
        assert_eq!(ended(line, "Slow"), Some("ann"));
        assert_eq!(ended(line, "Silent"), None);
        let at = time::from_text("2026-11-22T08:15:30.250Z");
        assert!(at.is_some() && written_at(line) == at);
        assert_eq!(written_at("closing"), None);
        assert_eq!(ended("2026-11-22T08:15:30Z INFO stopping", "Slow"), None);
    }
}
