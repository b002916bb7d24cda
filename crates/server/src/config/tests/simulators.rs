//! The map of simulators: what it takes over from the section, and what it refuses.

use super::*;

#[test]
fn what_a_line_leaves_open_is_as_in_the_section() {
    let file =
        "simulators:\n  lab: 10.0.0.7\n  arm 7: '[::1]:9000#ws_path=/live'\nsimulator:\n  stream_port: 1\n";
    let config = case().file(file).env(&[("ISAAC_SIM_WS_PORT", "2")]).good().config;
    let shown: Vec<String> =
        config.simulators.iter().map(|(name, place)| format!("{name}={place}")).collect();
    assert_eq!(
        shown,
        [
            "arm 7=[::1]:9000#ws_port=9000&stream_port=1&ws_path=/live",
            "lab=10.0.0.7:8211#ws_port=2&stream_port=1&ws_path=/streaming/webrtc"
        ]
    );
    assert!(case().file("simulators:\n").good().config.simulators.is_empty());
}

#[test]
fn mistakes_name_their_line() {
    let report = case().file("simulators:\n  a: x y\n  b:\n  c: [d]\n  a: z\n  e: f#port=x\n").report();
    insta::assert_snapshot!(report, @r#"
    the configuration has 5 problems:

      config.yaml:2: simulators: a: "x y" is no host: write HOST or HOST:PORT, such as 10.0.0.7:8211

      config.yaml:3: simulators: something other than names and addresses stands here
          allowed: NAME: ADDRESS, such as `  lab: 10.0.0.7:8211`

      config.yaml:4: simulators: something other than names and addresses stands here
          allowed: NAME: ADDRESS, such as `  lab: 10.0.0.7:8211`

      config.yaml:5: "simulators.a" stands here a second time, after line 2
          allowed: each key once in its section

      config.yaml:6: simulators: e: the option 'port' is 'x'; allowed is a whole number from 1 to 65535

    `framehub config reference` explains every key.
    "#);
    assert!(case().file("simulators: [a]\n").report().contains("config.yaml:1: simulators: something other"));
    assert!(case().args(&["simulator.ip=a:b"]).report().contains("simulator.ip"));
}
