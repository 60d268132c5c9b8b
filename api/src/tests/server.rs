//! The server on a real socket.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};

use crate::{serve, test_app::start};

/// Sends the text and reads until the server closes.
fn talk(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[actix_web::test]
async fn serves_and_stops() {
    let t = start().await;
    let (_, token) = t.owner().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let client = tokio::task::spawn_blocking(move || {
        let head = format!("Host: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n");
        let get = talk(address, &format!("GET /v1/account HTTP/1.1\r\n{head}\r\n"));
        assert!(get.starts_with("HTTP/1.1 200") && get.contains("\"livemode\""), "{get}");
        let without = talk(address, &format!("HEAD /v1/account HTTP/1.1\r\n{head}\r\n"));
        assert!(without.starts_with("HTTP/1.1 200") && without.ends_with("\r\n\r\n"), "{without}");
        let lost = talk(address, "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(lost.starts_with("HTTP/1.1 404") && lost.contains("application/problem+json"), "{lost}");
        drop(stop);
    });
    serve(t.app.clone(), listener, async move {
        let _ = stopped.await;
    })
    .await
    .unwrap();
    client.await.unwrap();
    t.stop().await;
}
