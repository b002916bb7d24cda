//! Signal logs: those of the apparatus, other encodings, missing and damaged lines.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::fuzz;

const LOG: &str = "\
Phrase 1 initialized at 2026-01-27 19:38:32
 0.000s | Phrase recording started
14.622s | Off-Target: Blade-to-blade contact.
20.448s | HIT: Left scores on Right!
Lockout active (0.130s window)
20.448s | HIT: Simultaneous valid hits!
20.514s | Lockout period started (0.200s window)
20.704s | Phrase recording ended
Scores -> Fencer 1: HIT, Fencer 2: HIT
Phrase ended
20.800s | Off-Target: Blade-to-blade contact.
[2026-01-27 19:38:53] Interpretation -> Right Fencer: HIT, Left Fencer: HIT
";

fn parse(text: &str) -> SignalLog {
    SignalLog::parse(text.as_bytes()).unwrap()
}

fn lights(text: &str) -> Lights {
    parse(text).lights()
}

fn message(text: &str) -> String {
    SignalLog::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_log_of_two_lights_is_read() {
    let log = parse(LOG);
    assert_eq!(log.lights(), Lights::Both);
    assert_eq!(log.first_hit(), Some((20.448, None)), "both at the same moment");
    assert_eq!(log.contacts().collect::<Vec<_>>(), [14.622, 20.8]);
    assert_eq!((log.ended_secs(), log.events.len()), (Some(20.704), 7));
}

#[test]
fn the_first_hit_is_one_fencers_when_the_other_comes_later() {
    let log = parse(&LOG.replace("20.448s | HIT: Sim", "20.600s | HIT: Sim"));
    assert_eq!(log.first_hit(), Some((20.448, Some(Side::Left))));
}

#[test]
fn fencer_1_stands_right() {
    assert_eq!(lights("Scores -> Fencer 1: HIT, Fencer 2: MISS"), Lights::Right);
    assert_eq!(lights("scores -> fencer 2: hit, fencer 1: -"), Lights::Left);
    assert_eq!(lights("Scores -> Fencer 1: -, Fencer 2: Off-Target"), Lights::None);
    assert_eq!(lights("1.0s | HIT: Right scores on Left!\n1.5s | Phrase recording ended"), Lights::Right);
    assert_eq!(lights(" 0.5s | Phrase recording ended"), Lights::None);
}

#[test]
fn lines_that_contradict_each_other_are_told() {
    let log = LOG.replace("Fencer 2: HIT", "Fencer 2: MISS");
    assert_eq!(lights(&log), Lights::Contradictory);
}

#[test]
fn other_encodings_and_line_ends_tell_the_same() {
    let plain = parse(LOG);
    let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let marked = format!("\u{feff}{LOG}");
    let latin = [LOG.as_bytes(), b"Arbitre: Andr\xe9\n"].concat();
    for bytes in [le(&marked), be(&marked), le(LOG), be(LOG), marked.clone().into_bytes(), latin] {
        assert_eq!(SignalLog::parse(&bytes).unwrap(), plain);
    }
    for ending in ["\r\n", "\r", "\n\n"] {
        assert_eq!(parse(&LOG.replace('\n', ending)), plain);
    }
}

#[test]
fn mistakes_name_the_line_and_the_cure() {
    let broken = |from: &str, to: &str| message(&LOG.replace(from, to).replace('\n', "\r\n"));
    assert!(broken("14.622s", "soon").contains("line 3: `soon | Off-Target"));
    assert!(broken("14.622s", "-1s").contains("line 3"));
    assert!(broken("14.622s", "1e9s").contains("line 3"));
    assert!(broken("14.622s", "99999s").contains("from 0 to 86400 s"));
    assert!(
        broken("Left scores on", "Somebody hit")
            .contains("line 4: `HIT: Somebody hit Right!` is no known hit")
    );
    assert!(
        broken("Fencer 2: HIT", "Fencer 3: HIT").contains("line 9: `Scores -> Fencer 1: HIT, Fencer 3: HIT`")
    );
    assert!(broken(", Fencer 2: HIT", "").contains("line 9"));
    assert!(broken("Phrase ended", "Scores -> Fencer 1: -, Fencer 2: HIT").contains("line 10: a second"));
}

#[test]
fn missing_lines_are_named() {
    assert!(message("").contains("ends at line 0 without `Scores -> …`"));
    let cut = LOG.split("20.704s").next().unwrap();
    assert!(
        message(cut)
            .contains("ends at line 7 without `Scores -> …` and without `… | Phrase recording ended`")
    );
    assert!(message("Scores -> Fencer 1: HIT, Fencer 2: HIT").contains("no `… | HIT: …` line"));
}

#[test]
fn what_is_no_log_is_refused() {
    assert_eq!(SignalLog::parse(&vec![b'a'; MAX_BYTES + 1]).unwrap_err().code(), "SIGNAL_TOO_LARGE");
    assert_eq!(SignalLog::parse(b"ab\0\0cd"), Err(Error::NotText));
    assert_eq!(SignalLog::parse(b"\xff\xfea"), Err(Error::NotText), "half a character");
    assert_eq!(SignalLog::parse(b"\xff\xd8\xff\xe0\0\x10JFIF"), Err(Error::NotText), "a picture");
}

proptest! {
    #[test]
    fn any_bytes_do(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz::signal(&bytes);
    }

    #[test]
    fn damaged_logs_do(place in 0..LOG.len(), byte in any::<u8>(), end in 0..LOG.len()) {
        let mut bytes = LOG.as_bytes().to_vec();
        bytes[place] = byte;
        fuzz::signal(&bytes);
        fuzz::signal(&bytes[..end]);
    }
}
