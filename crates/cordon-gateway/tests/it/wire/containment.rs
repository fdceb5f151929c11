//! How long a device that is contained goes on being heard, in the midst of what it sends.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::hospital::{EHR, PUMP, TELEMETRY};
use super::probe::part;
use super::services::Count;
use super::stage::{Stage, pause, until};

const ROUNDS: usize = 40;
/// After so long without a piece it is over; whoever is stopped by the kernel does not come again.
const QUIET: Duration = Duration::from_millis(60);

/// Contains and releases again and again; gives from the order to the last piece that arrived.
fn contained(stage: &Stage, what: &str, count: &Count) {
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let before = count.pieces();
        until("what the device sends", || (count.pieces() > before + 20).then_some(()));
        let order = Instant::now();
        stage.contain(PUMP);
        let obeyed = order.elapsed();
        while count.last().elapsed() < QUIET {
            assert!(order.elapsed() < Duration::from_secs(5), "{what}: it goes on");
            pause(5);
        }
        took.push((count.last().saturating_duration_since(order), obeyed));
        let pieces = count.pieces();
        pause(40);
        assert_eq!(count.pieces(), pieces, "{what}: nothing comes any more");
        stage.release(PUMP);
    }
    let sorted = |of: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<Duration> = took.iter().map(of).collect();
        all.sort_unstable();
        all
    };
    let (last, obeyed) = (sorted(|it| it.0), sorted(|it| it.1));
    eprintln!(
        "{what}: order to last piece p50 {:?} p99 {:?}; to the receipt p50 {:?} p99 {:?}",
        part(&last, 500),
        part(&last, 990),
        part(&obeyed, 500),
        part(&obeyed, 990),
    );
    assert!(part(&last, 1_000) < Duration::from_secs(1), "{last:?}");
}

#[test]
fn a_contained_device_is_cut_off_in_the_midst_of_what_the_kernel_forwards() {
    let Some(stage) = Stage::new() else { return };
    let socket = stage.socket(PUMP, TELEMETRY);
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    // Ten thousand datagrams a second.
    let flood = thread::spawn(move || {
        while !ends.load(Ordering::Acquire) {
            for _ in 0..10 {
                let _ = socket.send_to(&[7; 1_000], TELEMETRY);
            }
            pause(1);
        }
    });
    contained(&stage, "forwarded by the kernel", &stage.services.telemetry);
    is_over.store(true, Ordering::Release);
    flood.join().unwrap();
}

#[test]
fn a_contained_device_is_cut_off_in_the_midst_of_what_the_proxy_passes() {
    let Some(stage) = Stage::new() else { return };
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    let flood = stage.within(PUMP.place, move || {
        thread::spawn(move || {
            while !ends.load(Ordering::Acquire) {
                upload(EHR, &ends);
            }
        })
    });
    contained(&stage, "through the proxy", &stage.services.bodies);
    is_over.store(true, Ordering::Release);
    flood.join().unwrap();
}

/// Sends one body that has no end, a piece a millisecond, until nobody takes it.
fn upload(to: SocketAddr, ends: &AtomicBool) {
    let Ok(mut stream) = TcpStream::connect_timeout(&to, Duration::from_millis(100)) else {
        return;
    };
    stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    let head = b"POST /v1/notes HTTP/1.1\r\nHost: ehr\r\nContent-Length: 1000000000000\r\n\r\n";
    let mut piece = head.to_vec();
    while stream.write_all(&piece).is_ok() && !ends.load(Ordering::Acquire) {
        piece = vec![7; 8 << 10];
        pause(1);
    }
}
