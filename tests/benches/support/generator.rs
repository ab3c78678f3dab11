//! A small HTTP load generator: connections that are kept alive, one request at a time on each.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection, with room for a response.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response; the body stands in the connection's buffer.
pub(crate) struct Response<'c> {
    pub(crate) status: u16,
    pub(crate) body: &'c [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and reads the response to it, which must have a `content-length`.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Response<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match parse(&self.buffer)? {
                None => {}
                Some((status, body)) => return Ok(Response { status, body: &self.buffer[body] }),
            }
        }
    }
}

/// The status and where the body is, once all of it is there.
fn parse(buffer: &[u8]) -> io::Result<Option<(u16, Range<usize>)>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let head = std::str::from_utf8(&buffer[..end]).map_err(|_| invalid())?;
    let status = head.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(invalid)?;
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let start = end + 4;
    if let Some(length) = field("content-length") {
        let end = start + length.parse::<usize>().map_err(|_| invalid())?;
        return Ok((buffer.len() >= end).then_some((status, start..end)));
    }
    if !buffer.ends_with(b"\r\n0\r\n\r\n") {
        return Ok(None);
    }
    // Node sends small bodies as one chunk.
    let line =
        buffer[start..].windows(2).position(|window| window == b"\r\n").ok_or_else(invalid)?;
    Ok(Some((status, start + line + 2..buffer.len() - 7)))
}

/// A `POST` of JSON.
pub(crate) fn post(path_and_query: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path_and_query} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Repeats one request on `connections` connections for some time: how many calls that were, and how long
/// it took. Every response is checked.
#[allow(dead_code, reason = "one benchmark uses it")]
pub(crate) async fn repeat(
    address: SocketAddr,
    connections: usize,
    duration: Duration,
    request: &[u8],
    expected: &[u8],
) -> io::Result<(u64, Duration)> {
    let started = Instant::now();
    let until = started + duration;
    let calls = async || {
        let mut connection = Connection::open(address).await?;
        let mut count = 0_u64;
        while Instant::now() < until {
            let response = connection.exchange(request).await?;
            // Python writes a blank behind a colon.
            let body = response.body.iter().filter(|byte| **byte != b' ');
            if response.status != 200 || !body.eq(expected) {
                let body = String::from_utf8_lossy(response.body);
                let wrong = format!("wrong answer: {} {body}", response.status);
                return Err(io::Error::other(wrong));
            }
            count += 1;
        }
        Ok(count)
    };
    let all = futures::future::try_join_all((0..connections).map(|_| calls())).await?;
    Ok((all.iter().sum(), started.elapsed()))
}
