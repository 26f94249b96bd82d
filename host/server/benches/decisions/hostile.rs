//! What others do to a good client: attackers without a credential and with one, beside a pipeline that asks at a steady rate.
//!
//! The attackers come from 127.0.0.2 and further on, the pipeline from 127.0.0.1. Each attack runs alone and then all together;
//! every row is held against the quiet one of the same run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use crate::load::{Case, Load, Measured};
use crate::process::Served;

/// How much slower the good client may become, and how much more memory the server may take.
const WORST_P99: f64 = 3.0;
const WORST_MEMORY: f64 = 2.0;

/// How long an attacker waits before it writes again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long it waits at least before it opens a connection again that was closed: a flood of connections takes the cores of the
/// machine from the generator as well, and says nothing about the limits.
const REOPENED: Duration = Duration::from_millis(2500);

/// How much longer its last connection waits: connections that were opened at once are not all opened again at once.
const SPREAD: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attack {
    /// Connections that say nothing.
    Silent,
    /// Nearly all of a large head.
    HalfHeads,
    /// HTTP/2 without a request, kept alive by pings.
    Http2,
    /// Answers that nobody takes.
    Untaken,
    /// Tokens that were never issued.
    Guesses,
    /// Large bodies that come slowly, by one token.
    SlowBodies,
    /// Streams of events that nobody reads, by one token.
    Streams,
}

impl Attack {
    const ALL: [Self; 7] =
        [Self::Silent, Self::HalfHeads, Self::Http2, Self::Untaken, Self::Guesses, Self::SlowBodies, Self::Streams];

    fn name(self) -> &'static str {
        match self {
            Self::Silent => "6,000 silent connections from 4 addresses",
            Self::HalfHeads => "1,500 connections with 15 KiB of a head",
            Self::Http2 => "1,500 connections of HTTP/2 that only ping",
            Self::Untaken => "500 connections that take no answer",
            Self::Guesses => "200 connections that guess tokens",
            Self::SlowBodies => "1,500 slow bodies of 1 MiB, one token",
            Self::Streams => "1,500 streams of events, one token",
        }
    }

    /// How many connections, from which addresses (the last numbers of 127.0.0.x).
    fn size(self) -> (usize, std::ops::Range<u8>) {
        match self {
            Self::Silent => (6000, 2..6),
            Self::HalfHeads => (1500, 6..7),
            Self::Http2 => (1500, 7..8),
            Self::Untaken => (500, 8..9),
            Self::Guesses => (200, 9..10),
            Self::SlowBodies => (1500, 10..12),
            Self::Streams => (1500, 12..14),
        }
    }

    fn start(self, runtime: &Runtime, target: &Arc<AttackedServer>) {
        let (connections, addresses) = self.size();
        for (number, from) in (0..connections).zip(addresses.cycle()) {
            let target = Arc::clone(target);
            let pause = REOPENED + SPREAD * u32::try_from(number).unwrap() / u32::try_from(connections).unwrap();
            runtime.spawn(async move {
                while !target.over.load(Ordering::Relaxed) {
                    // However it ends, it begins again.
                    let _ = self.once(from, &target).await;
                    sleep(pause).await;
                }
            });
        }
    }

    async fn once(self, from: u8, target: &AttackedServer) -> std::io::Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, from], 0).into())?;
        let mut stream = socket.connect(target.address).await?;
        let token = &target.token;
        match self {
            Self::Silent => {}
            Self::HalfHeads => {
                stream.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nx: ").await?;
                stream.write_all(&[b'x'; 15 << 10]).await?;
            }
            Self::Http2 => {
                stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").await?;
                return keep_writing(&mut stream, &[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).await;
            }
            Self::Untaken => {
                // Many at once: their answers are larger than the buffers of the system.
                let request = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(32);
                stream.write_all(&request).await?;
                return until_over(target).await;
            }
            Self::Guesses => loop {
                let secret = "0".repeat(64);
                let head = format!(
                    "GET /api/v1/me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer lgt_0123456789ab_{secret}\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await?;
                if stream.read(&mut [0; 4096]).await? == 0 {
                    return Ok(());
                }
            },
            Self::SlowBodies => {
                let head = format!(
                    "POST /access/v1/evaluation HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
                     content-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    1 << 20
                );
                stream.write_all(head.as_bytes()).await?;
                return keep_writing(&mut stream, b" ").await;
            }
            Self::Streams => {
                let head = format!(
                    "GET /api/v1/deployments/shop-0/events HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
                     accept: text/event-stream\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).await?;
            }
        }
        while stream.read(&mut [0; 4096]).await? > 0 {}
        Ok(())
    }
}

/// Writes again and again, until the server closes the connection.
async fn keep_writing(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut answer = [0; 4096];
    loop {
        stream.write_all(bytes).await?;
        sleep(AGAIN).await;
        if let Ok(read) = timeout(Duration::from_millis(1), stream.read(&mut answer)).await
            && read? == 0
        {
            return Ok(());
        }
    }
}

async fn until_over(target: &AttackedServer) -> std::io::Result<()> {
    while !target.over.load(Ordering::Relaxed) {
        sleep(AGAIN).await;
    }
    Ok(())
}

struct AttackedServer {
    address: SocketAddr,
    token: String,
    over: AtomicBool,
}

/// Lets this process open as many connections as the system has it.
fn open_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Runs the quiet case, each attack, and all of them.
pub(crate) fn run(load: &Load, time: Duration) {
    open_many_files();
    let served = Served::start();
    let load = load.at(&served.place);
    let best = load.run(Case::OnePlugin, 16, time).rate;
    // A pipeline leaves a server time to spare.
    let rate = (best / 5.0).max(50.0);
    println!("a pipeline asks {rate:.0} times a second, a fifth of what it could; each row {} s", time.as_secs());
    println!();
    println!("| beside it | p50 ms | p99 ms | p99, of the quiet | most memory MiB | memory, of the quiet | failed |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let quiet = measure(&served, &load, rate, time);
    quiet.print("nothing", &quiet);
    for attack in Attack::ALL {
        // A fresh server: what an attack leaves behind is not the next one's.
        let row = attacked(&load, rate, time, &[attack]);
        row.print(attack.name(), &quiet);
    }
    let all = attacked(&load, rate, time, &Attack::ALL);
    all.print("all of them", &quiet);
    let again = measure(&served, &load, rate, time);
    again.print("nothing, again", &quiet);
    println!();
    println!(
        "p99 at most {WORST_P99} x and memory at most {WORST_MEMORY} x: {}",
        match all.is_within(&quiet) {
            true => "yes",
            false => "NO",
        }
    );
}

fn attacked(load: &Load, rate: f64, time: Duration, attacks: &[Attack]) -> Row {
    let served = Served::start();
    let load = load.at(&served.place);
    let address = served.place.url.trim_start_matches("http://").parse().unwrap();
    let token = served.place.attacker.clone();
    let target = Arc::new(AttackedServer { address, token, over: AtomicBool::new(false) });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    // What is compiled and read for the first time is not measured, as in the quiet case.
    load.run(Case::OnePlugin, 16, Duration::from_secs(2).min(time));
    attacks.iter().for_each(|attack| attack.start(&runtime, &target));
    std::thread::sleep(Duration::from_secs(2));
    let row = measure(&served, &load, rate, time);
    target.over.store(true, Ordering::Relaxed);
    runtime.shutdown_background();
    row
}

/// How the good client fared.
struct Row {
    good: Measured,
    memory: f64,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
fn measure(served: &Served, load: &Load, rate: f64, time: Duration) -> Row {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let memory = scope.spawn(|| {
            let mut most: f64 = 0.0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(served.resident_mib());
                std::thread::sleep(Duration::from_millis(50));
            }
            most
        });
        let good = load.run_at(Case::OnePlugin, 16, time, Some(rate as u64));
        over.store(true, Ordering::Relaxed);
        Row { good, memory: memory.join().unwrap() }
    })
}

impl Row {
    fn of(&self, quiet: &Self) -> (f64, f64) {
        (self.good.p99 / quiet.good.p99, self.memory / quiet.memory)
    }

    fn is_within(&self, quiet: &Self) -> bool {
        let (p99, memory) = self.of(quiet);
        p99 <= WORST_P99 && memory <= WORST_MEMORY && self.good.failed == 0
    }

    fn print(&self, name: &str, quiet: &Self) {
        let (p99, memory) = self.of(quiet);
        let Measured { p50, p99: own, failed, .. } = self.good;
        println!("| {name} | {p50:.2} | {own:.2} | {p99:.1} | {:.0} | {memory:.2} | {failed} |", self.memory);
    }
}
