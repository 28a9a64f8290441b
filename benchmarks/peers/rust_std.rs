// SPDX-License-Identifier: MIT
//! Rust's std::net behind a C function, for rust_std.cpp.
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Connects to an address in host order within the limit, and closes: 0 connected, 1 timed out, 2 refused, 3 failed.
#[no_mangle]
pub extern "C" fn connect_by_rust_std(host: u32, port: u16, limit_us: u64) -> i32 {
    let to = SocketAddr::from((Ipv4Addr::from(host), port));
    match TcpStream::connect_timeout(&to, Duration::from_micros(limit_us)) {
        Ok(_) => 0,
        Err(error) if error.kind() == ErrorKind::TimedOut => 1,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => 2,
        Err(_) => 3,
    }
}
