//! The headers of a part: a small list in the order of arrival.

use std::{borrow::Cow, ops::Range};

use super::Error;

/// More lines than any part in the field has; a stranger's thousands of two-byte lines must not cost memory each.
const MAX_LINES: usize = 64;

/// The header lines of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// The lines as they came; bytes that are no UTF-8 are replaced.
    block: String,
    lines: Vec<(Range<usize>, Range<usize>)>,
    name: Option<String>,
    filename: Option<String>,
}

impl Headers {
    /// The value of the first header of that name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Names and values, in the order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, value)| (&self.block[name.clone()], &self.block[value.clone()]))
    }

    /// The field's name in a form: `Content-Disposition: form-data; name="frame"`.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The file's name as the publisher knows it: for messages, never for a path.
    pub fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// The whole `Content-Type` value.
    pub fn content_type(&self) -> Option<&str> {
        self.get("Content-Type")
    }

    /// Reads a block of whole header lines, without the blank line that ends them. `position` is where it begins.
    pub(super) fn parse(block: &[u8], position: u64) -> Result<Self, Error> {
        if block.is_empty() {
            return Ok(Self::default());
        }
        let mut headers = Self { block: String::from_utf8_lossy(block).into_owned(), ..Self::default() };
        let mut start = 0;
        while start < headers.block.len() {
            let end = headers.block[start..].find('\n').map_or(headers.block.len(), |at| start + at);
            headers.line(start..end, position)?;
            start = end + 1;
        }
        if let Some(disposition) = headers.get("Content-Disposition") {
            let parameters = disposition.split_once(';').map_or("", |(_, rest)| rest);
            let (name, filename) = (parameter(parameters, "name"), parameter(parameters, "filename"));
            headers.name = name;
            headers.filename = filename;
        }
        Ok(headers)
    }

    fn line(&mut self, range: Range<usize>, position: u64) -> Result<(), Error> {
        let line = &self.block[range.clone()];
        let bad = |reason| Error::MalformedHeader {
            line: crate::preview(line.as_bytes()),
            reason,
            position: position + range.start as u64,
        };
        let text = line.trim_end_matches('\r');
        if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(bad("it has a control character"));
        }
        if text.starts_with([' ', '\t']) {
            let error = bad("it continues no header");
            return self.continuation(trimmed(&range, text)).ok_or(error);
        }
        let colon = text.find(':').ok_or_else(|| bad("it has no colon"))?;
        let name = text[..colon].trim_end_matches([' ', '\t']);
        if name.is_empty() || name.contains([' ', '\t']) {
            return Err(bad("its name is empty or has a space"));
        }
        if self.lines.len() == MAX_LINES {
            return Err(bad("a part has at most 64 headers"));
        }
        let name = range.start..range.start + name.len();
        let value = trimmed(&(range.start + colon + 1..range.end), &text[colon + 1..]);
        self.lines.push((name, value));
        Ok(())
    }

    /// Obsolete line folding (RFC 5322 section 2.2.3): the line end between becomes blank.
    fn continuation(&mut self, range: Range<usize>) -> Option<()> {
        let (_, value) = self.lines.last_mut()?;
        let gap = value.end..range.start;
        value.end = range.end;
        let blank = " ".repeat(gap.len());
        self.block.replace_range(gap, &blank);
        Some(())
    }
}

/// Where `text`, which begins at `range.start`, stands without the blanks around it.
fn trimmed(range: &Range<usize>, text: &str) -> Range<usize> {
    let start = range.start + (text.len() - text.trim_start_matches([' ', '\t']).len());
    let kept = text.trim_matches([' ', '\t']).len();
    start..start + kept
}

/// The value of one parameter in `; key=value; key="quoted \"value\""`, whatever the case of the key.
///
/// `key*=UTF-8''percent%20encoded` (RFC 5987, which Python's `requests` uses for names beyond ASCII) goes first.
pub(super) fn parameter(parameters: &str, key: &str) -> Option<String> {
    let mut plain = None;
    let mut rest = parameters;
    while !rest.is_empty() {
        let (name, value, after) = next_parameter(rest);
        rest = after;
        if name.eq_ignore_ascii_case(key) && plain.is_none() {
            plain = Some(value.clone().into_owned());
        }
        let extended = name.strip_suffix('*').is_some_and(|it| it.eq_ignore_ascii_case(key));
        if extended && let Some(decoded) = extended_value(&value) {
            return Some(decoded);
        }
    }
    plain
}

/// Splits off one `name=value` and the semicolon after it.
fn next_parameter(text: &str) -> (&str, Cow<'_, str>, &str) {
    let text = text.trim_start_matches([' ', '\t', ';']);
    let end = text.find(['=', ';']).unwrap_or(text.len());
    let name = text[..end].trim();
    let Some(value) = text[end..].strip_prefix('=') else {
        return (name, Cow::Borrowed(""), &text[end..]);
    };
    let value = value.trim_start_matches([' ', '\t']);
    if let Some(quoted) = value.strip_prefix('"') {
        let (value, rest) = unquote(quoted);
        return (name, Cow::Owned(value), rest);
    }
    let end = value.find(';').unwrap_or(value.len());
    (name, Cow::Borrowed(value[..end].trim()), &value[end..])
}

/// The content of a quoted string whose opening quote is gone, and what follows its closing quote.
///
/// A backslash stands for itself unless a quote or a backslash follows: browsers send Windows paths unescaped.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            _ => value.push(char),
        }
    }
    (value, "")
}

/// RFC 5987: charset, language, percent-encoded value. Only UTF-8 is taken.
fn extended_value(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    percent_encoding::percent_decode_str(encoded).decode_utf8().ok().map(Cow::into_owned)
}
