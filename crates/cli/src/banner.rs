//! What a person sees first: where the hub is, also for a phone in the same network, and what goes to disk.

use std::fmt::Write;

use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use record::Retention;
use server::config::Config;

use crate::address;
use crate::terminal::gigabytes;

/// What the banner needs of a configuration, which the server takes.
#[derive(Debug)]
pub(crate) struct Banner {
    config: Config,
}

impl Banner {
    pub(crate) fn of(config: &Config) -> Banner {
        Banner { config: config.clone() }
    }

    /// `url`: where the hub is, without a slash at the end. `port`: the one in use.
    pub(crate) fn text(&self, url: &str, port: u16) -> String {
        let others = address::for_others(&self.config, port);
        let own = match &others {
            Some(_) => address::of_hub(&self.config),
            None => url.to_owned(),
        };
        let mut text = format!("Framehub is ready: {own}/\n");
        if let Some(others) = &others {
            let _ = writeln!(text, "  network  {others}/");
        }
        let _ = write!(
            text,
            "  watch    open the address in a browser\n  \
             publish  framehub publish testsrc, or curl -F frame=@picture.jpg {own}/publish/camera1\n  \
             record   {}\n  \
             stop     Ctrl-C\n",
            recordings(&self.config.recording)
        );
        if let Some(code) = others.and_then(|others| qr_code(&format!("{others}/"))) {
            let _ = writeln!(text, "{code}");
        }
        text
    }
}

/// Where recordings go, and how much they take at most.
fn recordings(config: &record::Config) -> String {
    let folder = std::path::absolute(&config.directory).unwrap_or_else(|_| config.directory.clone());
    let folder = folder.display();
    if !config.automatic {
        return format!("on request only, to {folder}");
    }
    let Retention { max_age, max_total_bytes, min_free_bytes } = config.retention;
    let days = max_age.as_secs_f64() / (24.0 * 60.0 * 60.0);
    let total = max_total_bytes.map_or(String::new(), |bytes| format!("{} together, ", gigabytes(bytes)));
    format!(
        "every published stream, to {folder} (at most {days:.0} days, {total}until {} of the disk is left)",
        gigabytes(min_free_bytes)
    )
}

/// Two modules a character. `None` for an address that fits in no code.
fn qr_code(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    // Terminals are dark: what is printed is the light part.
    Some(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    #[test]
    fn a_hub_for_this_machine_says_where_it_is_and_what_it_records() {
        let text = Banner::of(&Config::default()).text("http://127.0.0.1:5000", 5000);
        assert!(text.starts_with("Framehub is ready: http://127.0.0.1:5000/\n"), "{text}");
        assert!(!text.contains("network") && !text.contains('█'), "{text}");
        assert!(
            text.contains("every published stream, to /")
                && text.contains("recordings (at most 7 days, until 1 GB"),
            "{text}"
        );
    }

    #[test]
    fn a_hub_for_others_shows_their_address_also_as_a_code() {
        let mut config = Config::default();
        config.server.host = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        config.recording.automatic = false;
        let text = Banner::of(&config).text("http://192.0.2.7:81", 81);
        assert!(text.contains("  network  http://192.0.2.7:81/\n") && text.contains('█'), "{text}");
        assert!(text.contains("on request only"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 120), "{text}");
    }
}
