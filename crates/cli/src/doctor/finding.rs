//! What was found, and how it is printed: a line a point, and below it how to mend what is not as it should be.

use std::fmt;

use crate::terminal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    /// Nothing is broken, but somebody may miss it.
    Note,
    Wrong,
}

/// One point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) subject: &'static str,
    pub(super) what: String,
    /// How to mend it; empty where nothing is to be mended.
    pub(super) mend: String,
}

impl Finding {
    pub(super) fn ok(subject: &'static str, what: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Ok, subject, what: what.into(), mend: String::new() }
    }

    pub(super) fn note(subject: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Note, subject, what: what.into(), mend: mend.into() }
    }

    pub(super) fn wrong(subject: &'static str, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Wrong, subject, what: what.into(), mend: mend.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Wrong => "WRONG",
        };
        writeln!(f, "{word:<6} {:<15} {}", self.subject, self.what)?;
        if self.mend.is_empty() { Ok(()) } else { writeln!(f, "{:>25}{}", "-> ", self.mend) }
    }
}

/// Prints each finding when it is there, since some take seconds.
#[derive(Debug, Default)]
pub(super) struct Report {
    wrong: usize,
}

impl Report {
    pub(super) fn add(&mut self, finding: Finding) -> anyhow::Result<()> {
        self.wrong += usize::from(finding.verdict == Verdict::Wrong);
        terminal::print(&finding.to_string())?;
        Ok(())
    }

    pub(super) fn wrong(&self) -> usize {
        self.wrong
    }
}
