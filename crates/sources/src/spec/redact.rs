//! URLs without their secrets, for messages, statistics and logs.

/// The address without user and password, and without its query, which cameras take keys in. Works on anything,
/// because broken addresses are shown too.
pub fn redacted(address: &str) -> String {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    let (address, tail) = address.split_at(end);
    let dots = if tail.starts_with('?') { "?…" } else { "" };
    let Some((scheme, rest)) = address.split_once(':') else { return format!("{address}{dots}") };
    let slashes = rest.len() - rest.trim_start_matches('/').len();
    let (slashes, rest) = rest.split_at(slashes);
    // The password may contain a slash that was not encoded: the last @ counts.
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_secret, rest)| ("…@", rest));
    format!("{scheme}:{slashes}{user}{rest}{dots}")
}
