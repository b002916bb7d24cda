//! What is shown of addresses, good and broken.
use proptest::prelude::*;

use super::*;

#[test]
fn host_and_path_are_shown_and_no_secret() {
    for (address, shown) in [
        ("http://cam/a/b.mjpg", "http://cam/a/b.mjpg"),
        ("rtsp://10.0.0.7:554/1", "rtsp://10.0.0.7:554/1"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://u:p@cam/v?key=s", "http://…@cam/v?…"),
        ("http://token@cam/v#fps=1", "http://…@cam/v"),
        ("http://u:p/w@cam/v", "http://…@cam/v"),
        ("http://cam/v?mail=a@b", "http://cam/v?…"),
        ("u:p@cam:80/v", "…@cam:80/v"),
        ("http:u:p@cam", "…@cam"),
        ("http://u:p#w@cam/v", "http://…"),
        ("http://u:1?2@cam/v", "http://…"),
        ("http://u:1#2@cam/v", "http://…"),
        ("http://u#2@cam/v", "http://…"),
        ("http://u:password", "http://…"),
        ("http://h:99999/x", "http://h:99999/x"),
        ("localhost:5000", "localhost:5000"),
        ("clip.mp4", "clip.mp4"),
    ] {
        assert_eq!(redacted(address), shown, "{address}");
    }
}

#[test]
fn a_program_may_repeat_an_address() {
    assert_eq!(
        redacted_within("rtsp://u:p@cam/1: refused\n[tcp] Failed http://h/?key=s"),
        "rtsp://…@cam/1: refused\n[tcp] Failed http://h/?…"
    );
}

#[test]
fn a_password_that_was_not_encoded_is_noticed() {
    for address in [
        "http://u:p#w@cam",
        "http://u:1?2@cam",
        "http://u:1/2@cam/x",
        "http://u:p@s/w@cam",
        "rtsp://t#w@cam/1",
    ] {
        assert!(has_stray_at(address), "{address}");
    }
    for address in [
        "http://u:p@cam/v?a=b",
        "http://cam:80/v?mail=a@b",
        "http://cam/@user/v",
        "http://u:p%23@cam/v#fps=1",
        "http://u:p@cam/v?mail=a@b",
    ] {
        assert!(!has_stray_at(address), "{address}");
    }
}

proptest! {
    /// Whatever a password is made of, with the host behind it.
    #[test]
    fn no_piece_of_a_password_is_shown(
        scheme in "(http|https|rtsp|ws|wss)://",
        pieces in prop::collection::vec("[A-Z]{4}", 1..4),
        between in "[#?@/:&%=\\\\ ]",
        path in "[a-z/]{0,9}",
    ) {
        let address = format!("{scheme}user:{}@cam/{path}", pieces.join(&between));
        let shown = redacted(&address);
        prop_assert!(pieces.iter().all(|piece| !shown.contains(piece.as_str())), "{}", shown);
        let said = redacted_within(&address.replace(' ', "%20"));
        prop_assert!(pieces.iter().all(|piece| !said.contains(piece.as_str())), "{}", said);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = (redacted(&text), redacted_within(&text), has_stray_at(&text));
    }
}
