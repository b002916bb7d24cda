//! The documents that come from the table of keys: `docs/ref/configuration.md`, the example file,
//! and the list that `framehub config show` prints.

use std::fmt::Write;

use settings::Form;

use super::load::{Loaded, Setting};
use super::profile::Profile;
use super::tables::{Key, sections};
use super::typed::Config;

/// How wide comments of the example file may be.
const COMMENT_COLUMNS: usize = 96;

/// The reference page, in Markdown.
pub fn page() -> String {
    let mut page = String::from(PREFACE);
    for section in sections() {
        let _ = writeln!(page, "\n## {}\n\n{}", section.name, section.doc);
        for key in &section.keys {
            entry(&mut page, key);
        }
    }
    page.push_str(SOURCES);
    page.push_str(SIMULATORS);
    profiles(&mut page);
    page.push_str(MEMORY);
    page
}

fn entry(page: &mut String, key: &Key) {
    let default = match key.default {
        "" => "empty".to_owned(),
        default => format!("`{default}`"),
    };
    let _ = writeln!(page, "\n### `{}`\n\n{}", key.path(), key.doc);
    let _ = writeln!(page, "\n- default: {default}\n- allowed: {}", key.allowed());
    if !key.env.is_empty() {
        let names: Vec<String> = key.env.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(page, "- environment: {}", names.join(", "));
    }
}

/// What each profile sets.
fn profiles(page: &mut String) {
    page.push_str(PROFILES);
    for profile in Profile::ALL {
        let values: Vec<String> =
            profile.values().iter().map(|(path, value)| format!("`{path}={value}`")).collect();
        let _ = writeln!(page, "- `{}`: {}", profile.name(), values.join(", "));
    }
}

/// The example file: every key, commented out, with its default.
pub fn example() -> String {
    let mut file = String::from(EXAMPLE_PREFACE);
    for section in sections() {
        let _ = writeln!(file, "\n# {}\n{}:", section.doc, section.name);
        for (at, key) in section.keys.iter().enumerate() {
            if at > 0 {
                file.push('\n');
            }
            let doc = format!("{} Allowed: {}.", key.doc, key.allowed());
            for line in wrapped(&doc, COMMENT_COLUMNS) {
                let _ = writeln!(file, "  # {line}");
            }
            let _ = writeln!(file, "  #{}: {}", key.name, yaml_value(key, key.default));
        }
    }
    file.push_str(EXAMPLE_SOURCES);
    file.push_str(EXAMPLE_SIMULATORS);
    file
}

/// The values in force as a file, each with where it came from.
pub fn show(loaded: &Loaded) -> String {
    let mut text = String::new();
    for section in sections() {
        let of_section = loaded.settings.iter().filter(|setting| setting.key.section == section.name);
        let _ = writeln!(text, "{}:", section.name);
        for setting in of_section {
            // Read back as a file, the mask must not become a key that opens everything.
            let masked = setting.key.secret && !setting.value.is_empty();
            let mark = if masked { "#" } else { "" };
            let value = yaml_value(setting.key, &setting.value);
            let line = format!("  {mark}{}: {value}", setting.key.name);
            let _ = writeln!(text, "{line:<40} # {}", setting.origin);
        }
    }
    if !loaded.config.simulators.is_empty() {
        text.push_str("simulators:\n");
    }
    for (name, place) in &loaded.config.simulators {
        let name = serde_json::Value::from(name.as_str());
        let _ = writeln!(text, "  {name}: \"{place}\"");
    }
    if !loaded.sources.is_empty() {
        text.push_str("sources:\n");
    }
    for listed in &loaded.sources {
        // Without passwords and options, so no line to be read back.
        let line = format!("  # {}", listed.spec);
        let _ = writeln!(text, "{line:<40} # {}", listed.origin);
    }
    text
}

/// The settings whose value is not the default, a line each.
pub fn changed(loaded: &Loaded) -> String {
    let changed: Vec<(String, &Setting)> = loaded
        .settings
        .iter()
        .filter(|setting| !is_default(setting))
        .map(|setting| {
            (format!("{} = {}", setting.key.path(), yaml_value(setting.key, &setting.value)), setting)
        })
        .collect();
    let columns = changed.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    let lines = changed.iter().map(|(line, setting)| format!("  {line:<columns$}   {}\n", setting.origin));
    lines.collect()
}

fn is_default(setting: &Setting) -> bool {
    let mut scratch = Config::blank();
    // The default in its usual spelling: 5.0 is shown as 5.
    let default = setting.key.apply_default(&mut scratch);
    default.is_ok_and(|default| default == setting.value)
}

/// A value as YAML: texts in quotes, so that `03:00` and an empty text survive any reader.
fn yaml_value(key: &Key, value: &str) -> String {
    match key.form {
        Form::Flag | Form::Int { .. } | Form::Number { .. } | Form::Choice(_) => value.to_owned(),
        // JSON's quoting is YAML's double-quoted style.
        Form::Text(_) => serde_json::Value::from(value).to_string(),
        Form::List(_) | Form::Entries(_) => {
            let items: Vec<&str> = value.split(',').filter(|item| !item.is_empty()).collect();
            serde_json::Value::from(items).to_string()
        }
    }
}

/// Breaks a text at its spaces.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

const PREFACE: &str = "\
# Configuration reference

<!-- Generated from the rooms' tables of settings. Renew with:
     cargo run -p framehub -- config reference > docs/ref/configuration.md -->

Everything has a default: `framehub` alone starts. To change something, write it in one of these places; a later one wins:

1. built-in defaults, as below, and those of `viewers.profile`
2. the configuration file: `--config FILE`, else `config.yaml` in the working directory if there is one
3. a `.env` file in the working directory
4. environment variables
5. arguments, `section.key=value`: `framehub serve server.port=8080 viewers.stream_fps=15`

The file is YAML, a section with its keys indented below it (`config.example.yaml` has them all):

```yaml
server:
  port: 8080
streams:
  timeout_seconds: 600
```

Every key is also an environment variable, `FRAMEHUB__SECTION__KEY` with two underscores (`FRAMEHUB__SERVER__PORT=8080`). Some have shorter names besides, given below; when several names of one key are set, `FRAMEHUB__…` wins, then the one listed first. An empty variable counts as not set. In `.env`, `$NAME` is replaced by that variable: put a value with a dollar sign in single quotes.

An unknown key, a wrong type or a value out of range stops the start, and all such problems are listed together. `framehub config check` looks for them without starting, `framehub config show` prints the values in force and where each comes from. A change takes effect at the next start.

Switches take true, yes, on, 1 and false, no, off, 0. 1 MB is 1,048,576 bytes.
";

const PROFILES: &str = "\n## Profiles\n\n\
`viewers.profile` chooses among these. Each sets defaults: a value that is written in a file, the environment or an argument wins.\n\n";

const MEMORY: &str = "\n## Memory\n\n\
The limits above bound the memory that clients can make the hub hold. The start logs the sum; with `logging.level=DEBUG` its terms, too. With F for one frame (`server.max_frame_size_mb`) it is at most

| what | how many | each |
|---|---|---|
| streams: history or backlog, the newest frame, the recorder's fragment | `streams.max_concurrent` | max(`streams.max_buffer_mb`, `streams.backlog_mb`) + 2 F + 4 MB |
| sources | those listed | 2 F |
| simulator sessions: a message in base64, the picture in it, signalling both ways | `sessions.max_concurrent` | 3 F + 2 MB |
| connections: read and write buffers, a body or message that is small | `server.max_connections` | 0.6 MB; with TLS, where HTTP/2 has many requests at once, 4.4 MB; `viewers.send_buffer_kb` |
| frames being received, over all connections | 1 | `server.receive_memory_mb`, or one largest message |
| frames that slow clients still have to take, each counted once | 1 | `server.send_memory_mb` + F |
| threads that serve, each copying one message | `server.threads` | 2 largest messages |
| recordings being replayed | 64 | 2 F + 8 MB |
| pictures being decoded: large ones in turn, a progressive JPEG by 15 bytes a pixel | 1 | 768 MB |
| renditions | `viewers.max_renditions` | 3 F |
| live analyses | `referee.live_analyses` | 2 F |
| upload sessions: the index of a million frames, a frame on its way | `referee.max_streaming_sessions` | 104 MB + 2 `referee.max_frame_mb` |
| frames of uploads; the others lie on disk | 1 | `referee.max_streaming_memory_mb`, or `referee.spool_memory_mb` for each session if that is less |
| videos of `POST /analyze` on their way | 2 `referee.max_streaming_sessions` | 195 MB |
| analyses of uploads, of 8K pictures | `referee.analyses` | 664 MB |
| the hub's own | 1 | 128 MB |

The largest message is F in base64, or one of `referee.max_frame_mb`. The bound is what strangers can reach by sending the largest frames everywhere at once and taking nothing. Frames are usually far smaller, and all viewers of a frame share one copy of it. After heavy use the allocator of the C library keeps some of what was freed, usually up to 100 MB; that counts as the hub's own.
";

const SOURCES: &str = "\n## sources\n\n\
A list beside the sections: what the hub itself opens, one line each, `NAME=URL#options`. `--source` on the command line adds more of them.

```yaml
sources:
  - desk=v4l2:0#width=1280&height=720
  - door=rtsp://user:password@10.0.0.7/stream1
  - http://10.0.0.8/video.mjpg#fps=10
  - loop=file:/videos/clip.mp4
  - pipe=exec:ffmpeg -i /dev/dvb/adapter0/dvr0 -f mjpeg -
```

NAME is the stream (else made from the URL). docs/guide/sources.md says what each kind takes. `exec:` is taken from the file only.\n";

const SIMULATORS: &str = "\n## simulators\n\n\
A map beside the sections: further simulators that sessions can choose, `NAME: ADDRESS`. A session's `simulator`, or else its `robotName`, chooses one by its name; any other name gets the one of the section `simulator`.

```yaml
simulators:
  lab: 10.0.0.7
  demo-robot: 10.0.0.8:8212
  mujoco: localhost:9000#ws_path=/live&stream_port=9001
```

A port behind the host is that of HTTP and WebSocket. Options behind `#` are `port`, `ws_port`, `stream_port` and `ws_path`. What is not said is as in the section `simulator`.\n";

const EXAMPLE_SOURCES: &str = "\
\n# What the hub itself opens: cameras, streams, files. One line each: NAME=URL#options.\n#sources:\n\
#  - desk=v4l2:0#width=1280&height=720\n#  - door=rtsp://user:password@10.0.0.7/stream1\n\
#  - http://10.0.0.8/video.mjpg#fps=10\n#  - loop=file:/videos/clip.mp4\n";

const EXAMPLE_SIMULATORS: &str = "\
\n# Further simulators that sessions can choose by their names, NAME: HOST[:PORT][#options].\n#simulators:\n\
#  lab: 10.0.0.7\n#  demo-robot: 10.0.0.8:8212\n#  mujoco: localhost:9000#ws_path=/live&stream_port=9001\n";

const EXAMPLE_PREFACE: &str = "\
# Every key with its default. Copy this file to config.yaml, take the # off a line and change it.
# docs/ref/configuration.md says more; `framehub config check` checks the result.
#
# Generated from the rooms' tables of settings. Renew with:
#   cargo run -p framehub -- config reference --format yaml > config.example.yaml
";
