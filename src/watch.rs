//! `/healthz` and `/metrics` of a process without the API. Nothing else is answered, and nothing is read but the first
//! line of a request.

use std::{sync::Arc, time::Duration};

use api::shared::metrics::Metrics;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::Failure;

/// How long a request may take to come, and its answer to go.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers from now on, until the process ends; tells where. An empty address is for nowhere.
pub async fn start(listen: &str, metrics: Metrics) -> Result<Option<std::net::SocketAddr>, Failure> {
    if listen.is_empty() {
        return Ok(None);
    }
    let listener = TcpListener::bind(listen).await.map_err(|e| format!("the worker cannot listen on {listen}: {e}"))?;
    let address = listener.local_addr()?;
    let metrics = Arc::new(metrics);
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    let metrics = metrics.clone();
                    tokio::spawn(async move { tokio::time::timeout(PATIENCE, answer(stream, &metrics)).await });
                }
                // Out of descriptors, most likely: trying again at once would only burn the processor.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    });
    Ok(Some(address))
}

async fn answer(mut stream: TcpStream, metrics: &Metrics) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < 8192 {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let line = request.split(|octet| *octet == b'\r').next().unwrap_or_default();
    let (status, body) = match String::from_utf8_lossy(line).split(' ').take(2).collect::<Vec<_>>().as_slice() {
        ["GET", "/healthz"] => ("200 OK", "ok\n".to_owned()),
        ["GET", "/metrics"] => ("200 OK", metrics.page()),
        _ => ("404 Not Found", "This is a worker: GET /healthz and GET /metrics are all there is.\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
