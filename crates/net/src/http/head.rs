//! The head of an answer as cameras write it, made into one that the standard allows.
//!
//! Browsers, curl and ffmpeg show cameras that send their status line twice, lines without a name, names with a
//! semicolon, or two lengths. A strict parser shows none of them. One exchange goes over a connection, so nothing that
//! is passed over here can be taken for another answer.

/// More header lines than this are passed over.
const MAX_LINES: usize = 64;

/// A head that has been read leniently.
#[derive(Debug, PartialEq)]
pub(super) struct Mended {
    /// Status line, headers and the blank line after them.
    pub(super) head: Vec<u8>,
    /// It was not as the standard wants it.
    pub(super) was_odd: bool,
    /// Another head follows (100 to 199).
    pub(super) is_interim: bool,
}

/// The search for the blank line that ends a head, which goes on where it stopped: every byte is looked at once.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// A line that is not blank has come.
    has_begun: bool,
    /// Where the line at hand begins, and what has been looked at.
    line: usize,
    seen: usize,
}

impl Search {
    /// Where the head ends: after the first blank line that follows a line. `bytes` are those of the last call and more.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(found) = bytes[self.seen..].iter().position(|byte| *byte == b'\n') {
            let at = self.seen + found;
            let is_blank = matches!(&bytes[self.line..at], b"" | b"\r");
            if is_blank && self.has_begun {
                return Some(at + 1);
            }
            self.has_begun |= !is_blank;
            self.line = at + 1;
            self.seen = at + 1;
        }
        self.seen = bytes.len();
        None
    }
}

/// Whether the bytes may be the beginning of a head: some devices answer with the body alone.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let bytes = bytes[..bytes.len().min(64)].trim_ascii_start();
    !(bytes.starts_with(b"--") || bytes.starts_with(&[0xFF, 0xD8]) || bytes.starts_with(b"\x89P"))
}

/// Reads a head, up to and with its blank line. `None`: it has no status.
pub(super) fn mend(head: &[u8]) -> Option<Mended> {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines.find(|line| !line.is_empty())?;
    let (status, mut was_odd) = status(first)?;
    let mut fields: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        let has_room = fields.len() < MAX_LINES;
        match (folded, fields.last_mut(), field(line)) {
            (true, Some((_, value)), _) if is_text(line) => {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
                was_odd = true;
            }
            (false, _, Some((name, value))) if has_room => {
                was_odd |= name.len() != line.iter().position(|byte| *byte == b':').unwrap_or(0);
                fields.push((name, value.to_vec()));
            }
            _ => was_odd = true,
        }
    }
    let is_interim = status.starts_with(b"1");
    let mut head = [b"HTTP/1.1 ", status, b" -\r\n"].concat();
    for (name, value) in settled(fields, &mut was_odd) {
        head.extend_from_slice(&[name, b": ", &value, b"\r\n"].concat());
    }
    head.extend_from_slice(b"\r\n");
    Some(Mended { head, was_odd, is_interim })
}

/// The code of a status line (`HTTP/1.1 200 OK`, `ICY 200 OK`, `HTTP/1.0 200`), and whether the line is odd.
fn status(line: &[u8]) -> Option<(&[u8], bool)> {
    let is_code = |word: &&[u8]| word.len() == 3 && word.iter().all(u8::is_ascii_digit) && word[0] != b'0';
    let words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let code = words.skip(1).take(2).find(is_code)?;
    Some((code, !line.starts_with(b"HTTP/1.")))
}

/// Name and value of a line, if it has a name that can be one.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii());
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (!name.is_empty() && name.iter().all(is_token) && is_text(value)).then_some((name, value))
}

fn is_text(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}

/// The fields, with at most one Content-Type and one Content-Length among them. A length that contradicts itself says
/// nothing, and neither does one for parts that never end: such a body ends with its connection.
fn settled<'a>(fields: Vec<(&'a [u8], Vec<u8>)>, was_odd: &mut bool) -> Vec<(&'a [u8], Vec<u8>)> {
    let all = |wanted: &str| -> Vec<Vec<u8>> {
        let named = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        named.map(|(_, value)| value.clone()).collect()
    };
    let (kinds, lengths, codings) = (all("content-type"), all("content-length"), all("transfer-encoding"));
    let is_chunked = codings.iter().any(|coding| coding.eq_ignore_ascii_case(b"chunked"));
    let are_parts = |kind: &&Vec<u8>| kind.get(..10).is_some_and(|it| it.eq_ignore_ascii_case(b"multipart/"));
    let kind = kinds.iter().find(are_parts).or(kinds.first());
    let length = length(&lengths).filter(|_| !is_chunked && !kind.as_ref().is_some_and(are_parts));
    *was_odd |= kinds.len() > 1 || lengths.len() > 1 || (length.is_none() && !lengths.is_empty());
    let mut settled = fields.clone();
    settled.retain(|(name, _)| {
        ![&b"content-type"[..], b"content-length", b"transfer-encoding"]
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it))
    });
    settled.extend(kind.map(|kind| (&b"Content-Type"[..], kind.clone())));
    settled.extend(length.map(|length| (&b"Content-Length"[..], length.to_string().into_bytes())));
    settled.extend(is_chunked.then(|| (&b"Transfer-Encoding"[..], b"chunked".to_vec())));
    settled
}

/// The one length that all lines name.
fn length(values: &[Vec<u8>]) -> Option<u64> {
    let mut values = values.iter().flat_map(|value| value.split(|byte| *byte == b','));
    let read = |value: &[u8]| str::from_utf8(value.trim_ascii()).ok()?.parse::<u64>().ok();
    let first = read(values.next()?)?;
    (first <= i64::MAX as u64 && values.all(|value| read(value) == Some(first))).then_some(first)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The head that comes of these lines, and whether they were odd.
    fn mended(lines: &str) -> (String, bool) {
        let head = lines.replace('\n', "\r\n") + "\r\n\r\n";
        assert_eq!(Search::default().end(head.as_bytes()), Some(head.len()));
        let Mended { head, was_odd, .. } = mend(head.as_bytes()).unwrap();
        let again = mend(&head).unwrap();
        assert_eq!((again.head, again.was_odd), (head.clone(), false), "what was mended is clean");
        (String::from_utf8_lossy(&head).replace("\r\n", "|"), was_odd)
    }

    #[test]
    fn odd_heads_are_read_as_they_are_meant() {
        let picture = "HTTP/1.1 200 -|Content-Type: image/jpeg||";
        for (lines, is_odd) in [
            ("HTTP/1.1 200 OK\nContent-Type: image/jpeg", false),
            ("HTTP/1.0 200\nContent-Type:image/jpeg", false),
            ("ICY 200 OK\nContent-Type: image/jpeg", true),
            ("HTTP/2.0 200 OK\nContent-Type: image/jpeg", true),
            ("HTTP/1.0 200 OK\nHTTP/1.0 200 OK\nContent-Type: image/jpeg", true),
            ("HTTP/1.1 200 OK\nTue, 12 Jun 2012 01:56:34 GMT\nContent-Type: image/jpeg", true),
            ("HTTP/1.1 200 OK\nAccess-Control-Allow-Origin; x: *\nContent-Type: image/jpeg", true),
            ("HTTP/1.1 200 OK\nContent-Type : image/jpeg", true),
            ("HTTP/1.1 200 OK\n: nameless\nContent-Type: image/jpeg", true),
            ("HTTP/1.1 200 OK\nno colon at all\nContent-Type: image/jpeg", true),
            ("HTTP/1.1 200 OK\nX-Bell: \x07\nContent-Type: image/jpeg", true),
            ("HTTP/1.1 200 OK\n folds nothing\nContent-Type: image/jpeg", true),
            ("HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length: 5\nContent-Length: 6", true),
            ("HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length: -1", true),
            ("HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length: 99999999999999999999", true),
            ("HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length:", true),
            ("HTTP/1.1 200 OK\nContent-Type: image/jpeg\nTransfer-Encoding: identity", false),
        ] {
            assert_eq!(mended(lines), (picture.to_owned(), is_odd), "{lines:?}");
        }
    }

    #[test]
    fn what_says_how_the_body_ends_is_settled() {
        for (lines, end) in [
            ("Content-Length: 5", "Content-Length: 5|"),
            ("Content-Length: 5\nContent-Length: 5", "Content-Length: 5|"),
            ("CONTENT-LENGTH: 5, 5", "Content-Length: 5|"),
            ("Content-Length: 5\nTransfer-Encoding: Chunked", "Transfer-Encoding: chunked|"),
            (
                "Content-Type: multipart/x-mixed-replace;boundary=b\nContent-Type: image/jpeg\nContent-Length: 5",
                "Content-Type: multipart/x-mixed-replace;boundary=b|",
            ),
            ("Server: cam\n and\n\tmore", "Server: cam and more|"),
        ] {
            assert_eq!(
                mended(&format!("HTTP/1.1 200 OK\n{lines}")).0,
                format!("HTTP/1.1 200 -|{end}|"),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn what_is_no_head_is_told_apart() {
        assert_eq!(mend(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(mend(b"\r\n\r\n"), None);
        assert!(mend(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap().is_interim);
        assert_eq!(Search::default().end(b"\r\n\nHTTP/1.1 200 OK\nA: b\n\nbody"), Some(25));
        assert!(may_begin(b"HTTP") && may_begin(b"\r\nH") && may_begin(b""));
        assert!(!may_begin(b"\xFF\xD8\xFF") && !may_begin(b"\r\n--frame") && !may_begin(b"\x89PNG"));
    }
}
