//! The layer of the configuration file, 001's `config.yaml`.
//!
//! The YAML is read as events into a small tree that keeps each node's line and text as written:
//! a typed reader would make the API key `0012` a number and lose the line by the time a range is
//! checked. Anchors, aliases and merge keys are refused, not resolved: no setting needs them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};

use settings::{Entry, Raw, nearest_name, quoted};

use super::layer::{Layer, SimulatorLine, SourceLine, Written};
use super::problem::{Origin, Problem, ProblemKind};
use super::tables::{self, Key, nearest_key, sections};
use super::{simulators, sources};

/// A configuration is a few kilobytes; whatever is larger was named by mistake.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Sections hold values hold lists: three levels. What is nested deeper is refused by the parser.
const MAX_DEPTH: usize = 32;

/// Reads the file as a layer. None: there is no such file.
pub(super) fn read(path: &Path) -> Option<Layer> {
    read_text(path).map(|text| text.map_or_else(|problem| Layer::bad(*problem), |text| parse(&text, path)))
}

/// A small text file, without its byte order mark. None: there is no such file.
pub(super) fn read_text(path: &Path) -> Option<Result<String, Box<Problem>>> {
    let place = |line| Origin::File { path: path.to_owned(), line };
    let unreadable =
        |line, what: String| Some(Err(Box::new(Problem::new(ProblemKind::Unreadable, place(line), what))));
    let mut bytes = Vec::new();
    let opened = File::open(path);
    match opened.and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return unreadable(0, format!("cannot be read: {error}")),
        Ok(read) if read as u64 > MAX_FILE_BYTES => {
            return unreadable(0, "is larger than 1 MB, which is no configuration".to_owned());
        }
        Ok(_) => {}
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|b| **b == b'\n').count();
            unreadable(line, "is not text in UTF-8 from here on".to_owned())
        }
    }
}

/// Turns the text of a file into a layer.
pub(super) fn parse(text: &str, path: &Path) -> Layer {
    let mut reader = Reader::new(text, path);
    if let Some(root) = reader.document() {
        reader.root(root);
    }
    reader.layer
}

/// A piece of the document, and the line on which it starts.
struct Node {
    line: usize,
    body: Body,
}

enum Body {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// Something that was complained about already.
    Bad,
}

/// Builds the tree, then goes through it, looking names up in the table. Its recursion is bounded by the parser's own
/// limit on nesting.
struct Reader<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    text: &'a str,
    path: &'a Path,
    layer: Layer,
    /// The parser has given up; the tree is closed with what is there.
    broken: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, path: &'a Path) -> Reader<'a> {
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let parser = Parser::new_from_str_with_options(text, options);
        Reader { parser, text, path, layer: Layer::default(), broken: false }
    }

    /// The one document of the file.
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        while let Some((event, line)) = self.next() {
            match event {
                Event::DocumentStart(..) if root.is_some() => {
                    self.complain(ProblemKind::Syntax, line, "a second document begins").allowed =
                        "one document, without a second ---".to_owned();
                    break;
                }
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                event => root = Some(self.node(event, line)),
            }
        }
        root
    }

    fn next(&mut self) -> Option<(Event<'a>, usize)> {
        if self.broken {
            return None;
        }
        match self.parser.next_event()? {
            Ok((event, span)) => Some((event, span.start.line())),
            Err(error) => {
                self.broken = true;
                self.scan_error(&error);
                None
            }
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize) -> Node {
        let body = match event {
            Event::Scalar(text, style, ..) => match (style, &*text) {
                (ScalarStyle::Plain, "" | "~" | "null" | "Null" | "NULL") => Body::Null,
                _ => Body::Scalar(text.into_owned()),
            },
            Event::SequenceStart(..) => self.list(),
            Event::MappingStart(..) => self.map(),
            _ => {
                self.complain(ProblemKind::Syntax, line, "a reference (*name) stands here").allowed =
                    "the value itself".to_owned();
                Body::Bad
            }
        };
        Node { line, body }
    }

    fn list(&mut self) -> Body {
        let mut items = Vec::new();
        while let Some((event, line)) = self.next() {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.node(event, line));
        }
        Body::List(items)
    }

    fn map(&mut self) -> Body {
        let mut entries = Vec::new();
        while let Some((event, line)) = self.next() {
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, line);
            let Some((event, line)) = self.next() else { break };
            entries.push((key, self.node(event, line)));
        }
        Body::Map(entries)
    }

    fn scan_error(&mut self, error: &ScanError) {
        let marker = error.marker();
        let what = format!("not YAML: {} (column {})", error.info(), marker.col() + 1);
        // A tab is noticed at the end of the line before it.
        let around = self.text.lines().skip(marker.line().saturating_sub(1)).take(2);
        let indent = |line: &str| line[..line.len() - line.trim_start().len()].contains('\t');
        let has_tab = around.into_iter().any(indent);
        let allowed = if has_tab { "spaces to indent with; here stands a tab" } else { "" };
        self.complain(ProblemKind::Syntax, marker.line(), what).allowed = allowed.to_owned();
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::File { path: self.path.to_owned(), line }
    }

    fn complain(&mut self, kind: ProblemKind, line: usize, what: impl Into<String>) -> &mut Problem {
        let problem = Problem::new(kind, self.origin(line), what);
        let at = self.layer.problems.len();
        self.layer.problems.push(problem);
        &mut self.layer.problems[at]
    }

    fn root(&mut self, root: Node) {
        match root.body {
            Body::Null | Body::Bad => {}
            Body::Map(entries) => {
                for (section, line, body) in self.names(entries, "") {
                    match section.as_str() {
                        sources::NAME => self.sources(body),
                        simulators::NAME => self.simulators(line, body),
                        section => self.section(section, line, body),
                    }
                }
            }
            Body::Scalar(_) | Body::List(_) => {
                let what = "the file does not consist of sections";
                self.complain(ProblemKind::BadType, root.line, what).allowed =
                    "sections with their keys indented below, such as `server:` and `  port: 5000`"
                        .to_owned();
            }
        }
    }

    fn section(&mut self, section: &str, line: usize, body: Node) {
        let Some(known) = sections().iter().find(|known| known.name == section) else {
            self.unknown_section(section, line, &body);
            return;
        };
        match body.body {
            Body::Null | Body::Bad => {}
            Body::Map(entries) => {
                for (name, line, body) in self.names(entries, section) {
                    self.value(section, &name, line, body);
                }
            }
            Body::Scalar(_) | Body::List(_) => {
                let example = known.keys.first().map_or("", |key| key.name);
                let problem = self.complain(
                    ProblemKind::BadType,
                    line,
                    "a value stands where the section's keys belong",
                );
                problem.key = section.to_owned();
                problem.allowed = format!("keys indented on the lines below, such as `  {example}: …`");
            }
        }
    }

    fn sources(&mut self, list: Node) {
        let items = match list.body {
            Body::List(items) => items,
            // A single one may stand there without a dash.
            body => vec![Node { line: list.line, body }],
        };
        for item in items {
            let line = item.line;
            match source(item.body) {
                Ok(None) => {}
                Ok(Some(text)) => {
                    let origin = self.origin(line);
                    self.layer.sources.push(SourceLine { text, origin });
                }
                Err(()) => {
                    let what = "something other than a source stands here";
                    let problem = self.complain(ProblemKind::BadType, line, what);
                    problem.key = sources::NAME.to_owned();
                    problem.allowed =
                        "a list of texts, such as `  - door=http://10.0.0.7/video.mjpg`".to_owned();
                }
            }
        }
    }

    fn simulators(&mut self, line: usize, map: Node) {
        let Body::Map(entries) = map.body else {
            if !matches!(map.body, Body::Null | Body::Bad) {
                self.no_simulator(line);
            }
            return;
        };
        for (name, line, address) in self.names(entries, simulators::NAME) {
            match address.body {
                Body::Scalar(address) => {
                    let origin = self.origin(line);
                    self.layer.simulators.push(SimulatorLine { name, address, origin });
                }
                Body::Bad => {}
                _ => self.no_simulator(line),
            }
        }
    }

    fn no_simulator(&mut self, line: usize) {
        let what = "something other than names and addresses stands here";
        let problem = self.complain(ProblemKind::BadType, line, what);
        problem.key = simulators::NAME.to_owned();
        problem.allowed = "NAME: ADDRESS, such as `  lab: 10.0.0.7:8211`".to_owned();
    }

    fn unknown_section(&mut self, section: &str, line: usize, body: &Node) {
        let names: Vec<&str> =
            sections().iter().map(|known| known.name).chain([sources::NAME, simulators::NAME]).collect();
        let near = nearest_name(section, names.iter().copied()).map(str::to_owned);
        // A key at the margin belongs under a heading.
        let lost = !matches!(body.body, Body::Map(_));
        let near = near.or_else(|| nearest_key("", section).filter(|_| lost).map(Key::path));
        let problem =
            self.complain(ProblemKind::UnknownKey, line, format!("there is no section {}", quoted(section)));
        problem.allowed = names.join(", ");
        problem.did_you_mean = near;
    }

    fn value(&mut self, section: &str, name: &str, line: usize, node: Node) {
        let Some(key) = tables::find(section, name) else {
            let near = nearest_key(section, name).map(Key::path);
            let what = format!("the section {section} has no key {}", quoted(name));
            self.complain(ProblemKind::UnknownKey, line, what).did_you_mean = near;
            return;
        };
        let raw = match node.body {
            // `key:` with nothing behind it says nothing.
            Body::Null | Body::Bad => return,
            Body::Scalar(text) => Raw::Text(text),
            Body::Map(_) => Raw::Section,
            Body::List(items) => self.raw_list(items),
        };
        let origin = self.origin(line);
        self.layer.written.push(Written { key, raw, origin });
    }

    /// The entries of a map under their names, complaining about names that are none or double.
    fn names(&mut self, entries: Vec<(Node, Node)>, section: &str) -> Vec<(String, usize, Node)> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut named = Vec::new();
        for (key, value) in entries {
            let Body::Scalar(name) = key.body else {
                self.complain(ProblemKind::Syntax, key.line, "a key must be a plain word");
                continue;
            };
            if let Some(first) = seen.get(&name).copied() {
                let path = if section.is_empty() { name } else { format!("{section}.{name}") };
                let what = format!("{} stands here a second time, after line {first}", quoted(&path));
                let allowed = if section.is_empty() {
                    "each section once, with all its keys below it"
                } else {
                    "each key once in its section"
                };
                self.complain(ProblemKind::DuplicateKey, key.line, what).allowed = allowed.to_owned();
                continue;
            }
            seen.insert(name.clone(), key.line);
            named.push((name, key.line, value));
        }
        named
    }

    fn raw_list(&mut self, items: Vec<Node>) -> Raw {
        let items: Vec<Node> =
            items.into_iter().filter(|item| !matches!(item.body, Body::Null | Body::Bad)).collect();
        if !items.is_empty() && items.iter().all(|item| matches!(item.body, Body::Map(_))) {
            return Raw::Entries(items.into_iter().map(|item| self.entry(item)).collect());
        }
        plain_list(items)
    }

    fn entry(&mut self, node: Node) -> Entry {
        let line = node.line;
        let Body::Map(pairs) = node.body else { return Entry { line, fields: Vec::new() } };
        let mut fields = Vec::new();
        for (name, _line, value) in self.names(pairs, "") {
            let raw = match value.body {
                Body::Null | Body::Bad => continue,
                Body::Scalar(text) => Raw::Text(text),
                Body::Map(_) => Raw::Section,
                Body::List(items) => plain_list(items),
            };
            fields.push((name, raw));
        }
        Entry { line, fields }
    }
}

/// A source's text. YAML takes the scheme for a key where a blank or nothing follows it: `testsrc:`, `exec: cat`.
fn source(body: Body) -> Result<Option<String>, ()> {
    match body {
        Body::Null | Body::Bad => Ok(None),
        Body::Scalar(text) => Ok(Some(text)),
        Body::List(_) => Err(()),
        Body::Map(entries) => {
            let mut entries = entries.into_iter();
            match (entries.next(), entries.next()) {
                (Some((Node { body: Body::Scalar(scheme), .. }, value)), None) => match value.body {
                    Body::Null => Ok(Some(format!("{scheme}:"))),
                    Body::Scalar(rest) => Ok(Some(format!("{scheme}:{rest}"))),
                    _ => Err(()),
                },
                _ => Err(()),
            }
        }
    }
}

fn plain_list(items: Vec<Node>) -> Raw {
    let mut texts = Vec::new();
    for item in items {
        match item.body {
            Body::Null | Body::Bad => {}
            Body::Scalar(text) => texts.push(text),
            Body::List(_) | Body::Map(_) => return Raw::Nested,
        }
    }
    Raw::List(texts)
}
