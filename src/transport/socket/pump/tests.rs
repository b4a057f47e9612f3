//! The pump between a client's socket and a body, without a server around them.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;

use actix_web::body::BodyStream;
use actix_web::dev::Payload;
use bytes::BytesMut;
use futures_util::{Stream, StreamExt, stream};
use tokio::net::{TcpSocket, TcpStream};

use super::*;
use crate::transport::socket::line::Incoming;

const LONG: Duration = Duration::from_secs(20);
const CHUNK_BYTES: usize = 32 * 1024;
const CHUNKS: usize = 300;
/// What the sockets of a test are asked to hold; the system holds some more.
const SOCKET_BYTES: u32 = 16 * 1024;
const HELD_BYTES_MAX: usize = 1024 * 1024;

/// Two ends of a connection whose sockets hold little.
async fn connection() -> (TcpStream, TcpStream) {
    let small = || {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_send_buffer_size(SOCKET_BYTES).expect("small");
        socket.set_recv_buffer_size(SOCKET_BYTES).expect("small");
        socket
    };
    let listener = small();
    let any = "127.0.0.1:0".parse().expect("an address");
    listener.bind(any).expect("a free port");
    let listener = listener.listen(1).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (client, accepted) = tokio::join!(small().connect(address), listener.accept());
    (client.expect("connected"), accepted.expect("accepted").0)
}

fn departed(stream: TcpStream, body: impl Stream<Item = Bytes> + 'static) -> (Departed, Incoming) {
    let line = Rc::new(Line::default());
    let incoming = Incoming::new(Payload::None, Some(Rc::clone(&line)));
    let body = BoxBody::new(BodyStream::new(body.map(Ok::<_, Infallible>)));
    (Departed { stream, body, line }, incoming)
}

/// How much was there, at most so much; 0 at the end.
async fn read(client: &TcpStream, bytes: usize) -> Vec<u8> {
    let mut buffer = vec![0; bytes];
    loop {
        client.readable().await.expect("a socket");
        match client.try_read(&mut buffer) {
            Ok(read) => {
                buffer.truncate(read);
                return buffer;
            }
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(why) => panic!("no orderly end: {why}"),
        }
    }
}

async fn write(client: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        client.writable().await.expect("a socket");
        match client.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(why) => panic!("it does not read: {why}"),
        }
    }
}

fn chunk(number: usize) -> Bytes {
    Bytes::from(vec![
        u8::try_from(number % 251).expect("small");
        CHUNK_BYTES
    ])
}

#[tokio::test]
async fn a_slow_reader_gets_everything_and_no_more_is_asked_for_than_it_takes() {
    let (client, stream) = connection().await;
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let body = stream::iter(0..CHUNKS).map(move |number| {
        count.set(count.get() + 1);
        chunk(number)
    });
    let (departed, _incoming) = departed(stream, body);
    let reading = async {
        let mut all = Vec::new();
        loop {
            let some = read(&client, 10_000).await;
            let ahead = (asked.get() * CHUNK_BYTES).saturating_sub(all.len());
            assert!(ahead < HELD_BYTES_MAX, "{ahead} bytes");
            if some.is_empty() {
                drop(client);
                return all;
            }
            all.extend_from_slice(&some);
        }
    };
    let (all, ()) = tokio::join!(reading, run(departed, None, LONG));
    let expected: Vec<u8> = (0..CHUNKS).flat_map(chunk).collect();
    assert!(all == expected, "{} of {} bytes", all.len(), expected.len());
}

#[tokio::test]
async fn a_client_that_goes_on_sending_hears_the_last_words() {
    let (client, stream) = connection().await;
    let body = stream::iter([Bytes::from_static(b"bye")]);
    let (departed, _incoming) = departed(stream, body);
    let talking = async {
        write(&client, &vec![0; CHUNKS * CHUNK_BYTES]).await;
        let told = read(&client, 100).await;
        assert!(read(&client, 100).await.is_empty());
        drop(client);
        told
    };
    let (told, ()) = tokio::join!(talking, run(departed, None, LONG));
    assert_eq!(told, b"bye");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_close_is_not_waited_for_for_ever() {
    let (client, stream) = connection().await;
    let (departed, _incoming) = departed(stream, stream::empty());
    let begun = tokio::time::Instant::now();
    run(departed, None, LONG).await;
    assert_eq!(begun.elapsed().as_secs(), LONG.as_secs());
    drop(client);
}

#[tokio::test]
async fn a_client_that_goes_ends_the_reading_and_the_body() {
    let (client, stream) = connection().await;
    let alive = Rc::new(());
    let held = Rc::clone(&alive);
    let body = stream::pending().map(move |chunk| {
        let _held = &held;
        chunk
    });
    let (departed, mut incoming) = departed(stream, body);
    write(&client, b"one more").await;
    drop(client);
    let reading = async {
        let mut buffer = BytesMut::new();
        while poll_fn(|cx| incoming.poll_read(cx, &mut buffer))
            .await
            .is_some()
        {}
        buffer
    };
    let (came, ()) = tokio::join!(reading, run(departed, None, LONG));
    assert_eq!(&came[..], b"one more");
    assert_eq!(Rc::strong_count(&alive), 1, "the body is gone");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_that_the_session_does_not_ask_for() {
    let (client, stream) = connection().await;
    let (departed, mut incoming) = departed(stream, stream::pending());
    let mut pump = pin!(run(departed, None, LONG));
    let sent = vec![7; 2 * HELD_BYTES_MAX];
    let mut writing = pin!(write(&client, &sent));
    let unread = async {
        tokio::select! {
            () = &mut pump => panic!("it ended"),
            () = &mut writing => panic!("all of it was read"),
        }
    };
    timeout(LONG, unread).await.expect_err("it waits");
    let mut buffer = BytesMut::new();
    let reading = async {
        while buffer.len() < sent.len() {
            let came = poll_fn(|cx| incoming.poll_read(cx, &mut buffer)).await;
            assert!(came.is_some(), "it ended");
        }
    };
    tokio::select! {
        () = &mut pump => panic!("it ended"),
        ((), ()) = async { tokio::join!(writing, reading) } => {}
    }
    assert!(buffer == sent);
}

/// A part of the web server that counts how often it was asked, and is there while it is counted.
fn counted() -> (Http, Rc<Cell<u32>>) {
    let polls = Rc::new(Cell::new(0));
    let counter = Rc::clone(&polls);
    let http = poll_fn(move |_| {
        counter.set(counter.get() + 1);
        Poll::<()>::Pending
    });
    (Box::pin(http), polls)
}

/// What the web server has read and not fed is fed when the session asks for it, and only then does
/// it go.
#[tokio::test]
async fn the_web_server_goes_when_the_session_has_asked_for_more_and_been_fed() {
    let (client, stream) = connection().await;
    let line = Rc::new(Line::default());
    let (feed, mut fed) = tokio::sync::mpsc::channel(1);
    let payload = stream::poll_fn(move |cx| fed.poll_recv(cx));
    let payload = Payload::Stream {
        payload: payload.boxed_local(),
    };
    let mut incoming = Incoming::new(payload, Some(Rc::clone(&line)));
    let body = BoxBody::new(BodyStream::new(
        stream::pending::<Result<Bytes, Infallible>>(),
    ));
    let departed = Departed { stream, body, line };
    let (http, polls) = counted();
    let mut buffer = BytesMut::new();
    let mut context = Context::from_waker(std::task::Waker::noop());
    // It asks before the socket leaves; what it was not fed then may still come.
    assert!(incoming.poll_read(&mut context, &mut buffer).is_pending());
    let mut pump = pin!(run(departed, Some(http), LONG));
    for asked in 1..=2 {
        assert!(pump.as_mut().poll(&mut context).is_pending());
        assert_eq!((polls.get(), Rc::strong_count(&polls)), (asked, 2));
    }
    assert!(incoming.poll_read(&mut context, &mut buffer).is_pending());
    assert!(pump.as_mut().poll(&mut context).is_pending());
    assert_eq!((polls.get(), Rc::strong_count(&polls)), (3, 1));
    feed.try_send(Ok(Bytes::from_static(b"first")))
        .expect("there is room");
    drop(feed);
    write(&client, b", then").await;
    let reading = async {
        while buffer.len() < 11 {
            poll_fn(|cx| incoming.poll_read(cx, &mut buffer)).await;
        }
    };
    tokio::select! {
        () = &mut pump => panic!("it ended"),
        () = reading => {}
    }
    assert_eq!(&buffer[..], b"first, then");
}

#[tokio::test]
async fn an_idle_one_costs_little() {
    let (_client, stream) = connection().await;
    let (departed, _incoming) = departed(stream, stream::pending());
    let bytes = std::mem::size_of_val(&run(departed, None, LONG));
    assert!(bytes < 600, "{bytes}");
}
