//! Addresses in messages, statistics and logs: without their secrets. The one rule for all of them.
//!
//! User and password stand before an `@`, keys in the query, and people write passwords with `#`, `?`, `/` and `@` in
//! them, which belong into a URL as `%23`, `%3F`, `%2F` and `%40` only. So broken addresses hide more, not less.

#[cfg(test)]
mod tests;

/// Stands for what is not shown.
const HIDDEN: &str = "…";

/// The address without user, password and query. Works on anything.
pub fn redacted(address: &str) -> String {
    let (scheme, rest) = split(address);
    let Parts { authority, path, tail } = parts(rest);
    if tail.contains('@') && authority.contains(':') && !authority.contains('@') && path.is_empty() {
        return format!("{scheme}{HIDDEN}");
    }
    let query = if tail.starts_with('?') { "?…" } else { "" };
    let head = &rest[..rest.len() - tail.len()];
    match head.rsplit_once('@') {
        Some((_secret, shown)) => format!("{scheme}{HIDDEN}@{shown}{query}"),
        None if tail.starts_with('#') && tail.contains('@') => format!("{scheme}{HIDDEN}"),
        // What is no port may be a password whose `@` is missing.
        None if !scheme.is_empty() && !has_port_or_none(authority) => format!("{scheme}{HIDDEN}"),
        None => format!("{scheme}{head}{query}"),
    }
}

/// A message of another program, with each address in it redacted.
pub fn redacted_within(text: &str) -> String {
    let word = |word: &str| if word.contains("://") { redacted(word) } else { word.to_owned() };
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let trimmed = piece.trim_end();
            format!("{}{}", word(trimmed), &piece[trimmed.len()..])
        })
        .collect()
}

/// Whether an `@` stands where no user can end: a password holds a `#`, `?` or `/` that was not encoded, and a part of it
/// would be taken for the host. Give the whole text, its fragment included.
pub fn has_stray_at(address: &str) -> bool {
    let (_, rest) = split(address);
    let Parts { authority, path, tail } = parts(rest);
    let fragment = tail.split_once('#').map_or("", |(_, fragment)| fragment);
    let may_be_password = authority.contains(':') && (path.is_empty() || path.contains('@'));
    fragment.contains('@') || (may_be_password && (path.contains('@') || tail.contains('@')))
}

/// What to say of one.
pub const STRAY_AT: &str =
    "an @ stands behind the host: in a password, write # as %23, ? as %3F, / as %2F and @ as %40";

/// `http://`, and what follows. Without slashes, as in `host:80`, there is no scheme.
fn split(address: &str) -> (&str, &str) {
    let at = address.find("://").map_or(0, |at| at + 3);
    address.split_at(at)
}

struct Parts<'a> {
    authority: &'a str,
    path: &'a str,
    /// From the first `?` or `#` on.
    tail: &'a str,
}

fn parts(rest: &str) -> Parts<'_> {
    let (head, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (authority, path) = head.split_at(head.find(['/', '\\']).unwrap_or(head.len()));
    Parts { authority, path, tail }
}

fn has_port_or_none(authority: &str) -> bool {
    let host = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    host.split_once(':').is_none_or(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
}
