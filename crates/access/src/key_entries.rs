//! `auth.keys`: one map of the file a key, and what is wrong with one that is not taken.
//!
//! Messages name a key by its place and never show its secret.

use std::time::SystemTime;

use settings::{Entry, Raw, list_items, nearest_name, quoted};

use crate::{InvalidPattern, Key, KeyDigest, Scope, Scopes, StreamPattern};

const FIELDS: [&str; 6] = ["name", "secret", "sha256", "scopes", "streams", "expires"];

/// A secret shorter than this can be guessed by trying.
const SHORTEST_SECRET: usize = 8;

/// The keys that the maps describe.
pub(crate) fn read(entries: &[Entry]) -> Result<Vec<Key>, String> {
    let mut keys: Vec<Key> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let number = at + 1;
        let of_key = |what: String| format!("key {number} (line {}): {what}", entry.line);
        let key = key(entry, number).map_err(of_key)?;
        if let Some(twin) = keys.iter().position(|other| other.digest == key.digest) {
            return Err(of_key(format!("it has the same secret as key {}", twin + 1)));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn key(entry: &Entry, number: usize) -> Result<Key, String> {
    if let Some((unknown, _)) = entry.fields.iter().find(|(name, _)| !FIELDS.contains(&name.as_str())) {
        let fields = FIELDS.join(", ");
        return Err(match nearest_name(unknown, FIELDS.into_iter()) {
            Some(near) => {
                format!("there is no field {}: a key has {fields}; did you mean {near}?", quoted(unknown))
            }
            // It may be the secret itself, written where a field's name belongs.
            None => format!("it has a field that no key has: there are {fields}"),
        });
    }
    let digest = digest(text(entry, "secret")?, text(entry, "sha256")?)?;
    Ok(Key {
        name: text(entry, "name")?.map_or_else(|| format!("key {number}"), str::to_owned),
        digest,
        scopes: scopes(entry)?,
        streams: streams(entry)?,
        expires: text(entry, "expires")?.map(expires).transpose()?,
    })
}

fn field<'a>(entry: &'a Entry, name: &str) -> Option<&'a Raw> {
    entry.fields.iter().find(|(known, _)| known == name).map(|(_, raw)| raw)
}

fn text<'a>(entry: &'a Entry, name: &str) -> Result<Option<&'a str>, String> {
    match field(entry, name) {
        None => Ok(None),
        Some(Raw::Text(text)) if !text.trim().is_empty() => Ok(Some(text.trim())),
        Some(_) => Err(format!("{name} is not a text")),
    }
}

fn list(entry: &Entry, name: &str) -> Result<Option<Vec<String>>, String> {
    let Some(raw) = field(entry, name) else { return Ok(None) };
    let items = list_items(raw).map_err(|_| format!("{name} is not a list of words"))?;
    if items.is_empty() { Err(format!("{name} is empty")) } else { Ok(Some(items)) }
}

fn digest(secret: Option<&str>, sha256: Option<&str>) -> Result<KeyDigest, String> {
    match (secret, sha256) {
        (Some(_), Some(_)) => Err("it has both secret and sha256: one of them is enough".to_owned()),
        (None, None) => Err("it needs a secret, or its sha256".to_owned()),
        (Some(secret), None) if !Key::is_text(secret) => Err(
            "the secret is a placeholder or in quotes, or holds something other than visible ASCII characters without \
             spaces"
                .to_owned(),
        ),
        (Some(secret), None) if secret.len() < SHORTEST_SECRET => Err(format!(
            "the secret has fewer than {SHORTEST_SECRET} characters, and can be guessed by trying"
        )),
        (Some(secret), None) => Ok(Key::digest_of(secret)),
        (None, Some(sha256)) => hexadecimal(sha256).ok_or_else(|| {
            "sha256 is not 64 hexadecimal digits, as `printf %s SECRET | sha256sum` prints them".to_owned()
        }),
    }
}

fn hexadecimal(text: &str) -> Option<KeyDigest> {
    let mut digest = KeyDigest::default();
    if text.len() != 2 * digest.len() || !text.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

fn scopes(entry: &Entry) -> Result<Scopes, String> {
    let words = list(entry, "scopes")?.ok_or("it needs scopes: view, publish, record, admin")?;
    words.iter().map(|word| word.parse::<Scope>().map_err(|error| error.to_string())).collect()
}

fn streams(entry: &Entry) -> Result<Vec<StreamPattern>, String> {
    let Some(patterns) = list(entry, "streams")? else { return Ok(vec![StreamPattern::every()]) };
    patterns.iter().map(|text| text.parse().map_err(|error: InvalidPattern| error.to_string())).collect()
}

fn expires(text: &str) -> Result<SystemTime, String> {
    let time: jiff::Timestamp = text.parse().map_err(|_| {
        format!("expires: {} is not a time like 2027-01-31T18:00:00Z (RFC 3339)", quoted(text))
    })?;
    Ok(time.into())
}

#[cfg(test)]
mod tests;
