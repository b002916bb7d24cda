//! Many simulator sessions at once: how fast, how old, and what it costs the hub. Simulator and clients are in this
//! process, so that one clock measures; the hub is another one.
//!
//! ```sh
//! framehub serve server.port=5000 demo.enabled=false streams.max_concurrent=100 sessions.max_concurrent=100 \
//!   simulator.port=8211 simulator.ws_port=8211 simulator.stream_port=8211 &
//! cargo run --release -p framehub-sessions --example simulators -- $! 100 300
//! ```
//!
//! Arguments: the hub's process, sessions, seconds, and `binary` for clients that ask for `?format=binary`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that stops at the first trouble")]

use std::{
    cell::RefCell,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use fastwebsockets::{
    Frame, OpCode, Payload, Role, WebSocket, WebSocketError, WebSocketRead, WebSocketWrite,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, LocalSet, spawn_local},
    time::{MissedTickBehavior, interval, sleep},
};

const HUB: &str = "127.0.0.1:5000";
const SIMULATOR: &str = "127.0.0.1:8211";
const FPS: u64 = 30;
const FRAME_BYTES: usize = 50_000;
/// Signals a second in each direction of each session.
const SIGNALS: u64 = 5;
const WARMUP: Duration = Duration::from_secs(5);

type Reader = WebSocketRead<ReadHalf<TcpStream>>;
type Writer = WebSocketWrite<WriteHalf<TcpStream>>;

/// What has been seen, in microseconds.
#[derive(Default)]
struct Seen {
    measuring: bool,
    links: usize,
    open_links: usize,
    frames: u64,
    to_client: Vec<u32>,
    to_simulator: Vec<u32>,
    picture_age: Vec<u32>,
}

type Shared = Rc<RefCell<Seen>>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let hub: u32 = arguments[0].parse().unwrap();
    let (sessions, secs): (usize, u64) = (arguments[1].parse().unwrap(), arguments[2].parse().unwrap());
    let query = if arguments.get(3).is_some_and(|word| word == "binary") { "?format=binary" } else { "" };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, run(hub, sessions, secs, query));
}

async fn run(hub: u32, sessions: usize, secs: u64, query: &str) {
    let seen = Shared::default();
    let start = Instant::now();
    spawn_local(simulator(TcpListener::bind(SIMULATOR).await.unwrap(), Rc::clone(&seen), start));

    // The same conversation without the hub, for what the hub adds.
    let direct: Vec<JoinHandle<()>> = (0..sessions)
        .map(|_| spawn_local(client(SIMULATOR, "/".to_owned(), Rc::clone(&seen), start)))
        .collect();
    measure(&seen, Duration::from_secs(10)).await;
    println!("without the hub, {sessions} connections:");
    report(&seen, sessions, 10);
    direct.iter().for_each(JoinHandle::abort);
    sleep(Duration::from_secs(1)).await;
    *seen.borrow_mut() = Seen::default();

    for _ in 0..sessions {
        let path = format!("/stream/{}{query}", create().await);
        spawn_local(client(HUB, path, Rc::clone(&seen), start));
    }
    let before = cpu_secs(hub);
    measure(&seen, Duration::from_secs(secs)).await;
    println!("through the hub, {sessions} sessions:");
    report(&seen, sessions, secs);
    let (links, open) = (seen.borrow().links, seen.borrow().open_links);
    println!("  connections to the simulator: {links} opened, {open} open");
    println!("  hub: {:.2} cores", (cpu_secs(hub) - before) / (secs + WARMUP.as_secs()) as f64);

    async fn measure(seen: &Shared, time: Duration) {
        sleep(WARMUP).await;
        seen.borrow_mut().measuring = true;
        let hub: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
        let end = Instant::now() + time;
        while Instant::now() < end {
            if time > Duration::from_secs(10) {
                println!(
                    "  {:>4} s left: the hub has {:.1} MB",
                    (end - Instant::now()).as_secs(),
                    resident_mb(hub)
                );
            }
            sleep((end - Instant::now()).min(Duration::from_secs(30))).await;
        }
        seen.borrow_mut().measuring = false;
    }
}

fn report(seen: &Shared, sessions: usize, secs: u64) {
    let mut seen = seen.borrow_mut();
    let fps = seen.frames as f64 / sessions as f64 / secs as f64;
    println!("  pictures: {fps:.2} a second and client");
    let Seen { picture_age, to_client, to_simulator, .. } = &mut *seen;
    let rows = [
        ("age of pictures", picture_age),
        ("signals to clients", to_client),
        ("signals to the simulator", to_simulator),
    ];
    for (what, times) in rows {
        times.sort_unstable();
        let at = |share: f64| f64::from(times[((times.len() - 1) as f64 * share) as usize]) / 1000.0;
        println!(
            "  {what}: p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms ({})",
            at(0.5),
            at(0.99),
            at(1.0),
            times.len()
        );
    }
}

// ---- the simulator ----

async fn simulator(listener: TcpListener, seen: Shared, start: Instant) {
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        let (seen, start) = (Rc::clone(&seen), start);
        spawn_local(async move {
            let head = head(&mut socket).await;
            if head.starts_with("GET /ping") {
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong";
                return socket.write_all(answer).await.unwrap();
            }
            let accept = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
            socket.write_all(accept.as_bytes()).await.unwrap();
            let (reader, writer) = split(socket, Role::Server);
            seen.borrow_mut().links += 1;
            seen.borrow_mut().open_links += 1;
            let hearing = spawn_local(hear(reader, Rc::clone(&seen), start, |seen| &mut seen.to_simulator));
            let _gone = say(writer, start, true).await;
            hearing.abort();
            seen.borrow_mut().open_links -= 1;
        });
    }
}

/// Signals, and pictures if it `shows`.
async fn say(mut writer: Writer, start: Instant, shows: bool) -> Result<(), WebSocketError> {
    // Not all in the same instant: no two simulators are.
    static SPEAKERS: AtomicU64 = AtomicU64::new(0);
    let offset = SPEAKERS.fetch_add(1, Ordering::Relaxed) * 7919 % (1_000_000 / FPS);
    sleep(Duration::from_micros(offset)).await;
    let mut ticks = interval(Duration::from_micros(1_000_000 / FPS));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut picture = picture();
    for tick in 0_u64.. {
        ticks.tick().await;
        if tick % (FPS / SIGNALS) == 0 {
            let text = format!("{{\"type\":\"signal\",\"sent\":{:020}}}", micros(start));
            writer.write_frame(Frame::text(Payload::Borrowed(text.as_bytes()))).await?;
        }
        if shows {
            picture[6..14].copy_from_slice(&micros(start).to_be_bytes());
            writer.write_frame(Frame::binary(Payload::Borrowed(&picture))).await?;
        }
    }
    Ok(())
}

/// A JPEG whose first comment is eight bytes long, and that is large.
fn picture() -> Vec<u8> {
    let small = media::jpeg::encode(&media::Picture::filled(64, 48, [90, 120, 150]), 80).unwrap();
    let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xFE, 0, 10];
    jpeg.extend([0; 8]);
    let padding = FRAME_BYTES - jpeg.len() - small.len() - 2;
    jpeg.extend([0xFF, 0xE9]);
    jpeg.extend(u16::try_from(padding).unwrap().to_be_bytes());
    jpeg.resize(jpeg.len() + padding - 2, 0x55);
    jpeg.extend(&small[2..]);
    jpeg
}

// ---- clients ----

async fn create() -> String {
    let mut socket = TcpStream::connect(HUB).await.unwrap();
    let request = format!(
        "POST /session/create HTTP/1.1\r\nHost: {HUB}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (_, id) = answer.split_once("\"sessionId\":\"").unwrap_or_else(|| panic!("{answer}"));
    id[..id.find('"').unwrap()].to_owned()
}

async fn client(host: &str, path: String, seen: Shared, start: Instant) {
    let mut socket = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let head = head(&mut socket).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let (reader, writer) = split(socket, Role::Client);
    let hearing = hear(reader, seen, start, |seen| &mut seen.to_client);
    let (_ended, ()) = tokio::join!(say(writer, start, false), hearing);
}

async fn hear(mut reader: Reader, seen: Shared, start: Instant, signals: fn(&mut Seen) -> &mut Vec<u32>) {
    let mut answer = |_: Frame<'static>| std::future::ready(Ok::<(), std::convert::Infallible>(()));
    while let Ok(frame) = reader.read_frame(&mut answer).await {
        let (now, payload) = (micros(start), &frame.payload[..]);
        let mut seen = seen.borrow_mut();
        if !seen.measuring {
            continue;
        }
        const SIGNAL: &[u8] = b"{\"type\":\"signal\",\"sent\":";
        const PICTURE: &[u8] = b"{\"type\":\"frame\",\"data\":\"";
        if let Some(sent) = payload.strip_prefix(SIGNAL) {
            let sent: u64 = str::from_utf8(&sent[..20]).unwrap().parse().unwrap();
            signals(&mut seen).push((now - sent) as u32);
        } else if let Some(base64) = payload.strip_prefix(PICTURE) {
            use base64::{Engine, engine::general_purpose::STANDARD};
            saw(&mut seen, &STANDARD.decode(&base64[..32]).unwrap(), now);
        } else if frame.opcode == OpCode::Binary {
            saw(&mut seen, payload, now);
        }
    }
}

fn saw(seen: &mut Seen, jpeg: &[u8], now: u64) {
    seen.frames += 1;
    let sent = u64::from_be_bytes(jpeg[6..14].try_into().unwrap());
    seen.picture_age.push((now - sent) as u32);
}

// ---- both ----

fn micros(start: Instant) -> u64 {
    start.elapsed().as_micros() as u64
}

fn split(socket: TcpStream, role: Role) -> (Reader, Writer) {
    socket.set_nodelay(true).unwrap();
    let (reader, mut writer) = WebSocket::after_handshake(socket, role).split(tokio::io::split);
    writer.set_writev(true);
    (reader, writer)
}

/// A request's or an answer's head, byte by byte, so that nothing behind it is taken.
async fn head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

fn resident_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// User and system time, in ticks of which Linux has a hundred a second.
fn cpu_secs(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let ticks = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
