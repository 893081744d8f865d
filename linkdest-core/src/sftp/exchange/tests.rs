use super::super::following::{Following, Next};
use super::super::reply::Raw;
use super::*;
use crate::error::ErrorKind;

fn exchange(patience: Duration) -> (Arc<Exchange>, StopFlag) {
    Exchange::of_tests(patience)
}

fn raw(byte: u8) -> Raw {
    Raw { kind: kind::STATUS, body: vec![byte] }
}

fn kind_of(error: &io::Error) -> ErrorKind {
    Error::within(error).unwrap().kind()
}

#[test]
fn answers_in_any_order_find_their_requests() {
    let (exchange, _) = exchange(Duration::from_secs(60));
    let tickets: Vec<_> =
        (0..3).map(|_| exchange.send(&Request::new(kind::LSTAT).string(b"a")).unwrap()).collect();
    let mut out = Vec::new();
    exchange.take_outgoing(1, &mut out).unwrap();
    assert_eq!(out.len(), 3 * 14);
    for place in [2, 0, 1] {
        drop(exchange.expect(1, GREETING + place, 1).unwrap().answer(raw(u8::try_from(place).unwrap())));
    }
    for (index, ticket) in tickets.into_iter().enumerate() {
        assert_eq!(usize::from(ticket.wait().unwrap().body[0]), index);
    }
    assert!(exchange.expect(1, GREETING + 1, 1).is_err(), "nobody asked for that any more");
}

/// A server that stops reading, where all threads want to send.
#[test]
fn who_waits_for_room_to_send_does_not_wait_for_ever() {
    let (exchange, _) = exchange(Duration::from_millis(150));
    let request = Request::new(kind::WRITE).string(&vec![0; BACKLOG + 1]);
    let ticket = exchange.send(&request).unwrap();
    let error = exchange.send(&request).err().unwrap();
    assert!(error.to_string().contains("has not answered"), "{error}");
    assert_eq!(kind_of(&ticket.wait().unwrap_err()), ErrorKind::Connection);
}

#[test]
fn loss_silence_and_the_wish_to_stop_end_all_waiting() {
    let request = Request::new(kind::LSTAT);
    let (lost, _) = exchange(Duration::from_secs(60));
    let ticket = lost.send(&request).unwrap();
    lost.lose(1, "gone");
    lost.lose(1, "something else");
    let error = ticket.wait().unwrap_err();
    assert_eq!((kind_of(&error), error.to_string().as_str()), (ErrorKind::Connection, "sftp://h/x: gone"));
    assert_eq!(kind_of(&lost.send(&request).err().unwrap()), ErrorKind::Connection);
    assert!(lost.take_outgoing(1, &mut Vec::new()).is_none());

    let (silent, _) = exchange(Duration::from_millis(150));
    let error = silent.send(&request).unwrap().wait().unwrap_err();
    assert!(error.to_string().contains("has not answered"), "{error}");

    let (asked, stop) = exchange(Duration::from_secs(60));
    let ticket = asked.send(&request).unwrap();
    stop.stop();
    assert_eq!(kind_of(&ticket.wait().unwrap_err()), ErrorKind::Interrupted);
}

#[test]
fn what_was_opened_on_a_lost_connection_is_not_asked_for_on_the_next() {
    let (exchange, _) = exchange(Duration::from_secs(60));
    let read = |connection: u64| Request::new(kind::READ).on(connection).string(b"handle");
    let ticket = exchange.send(&read(1)).unwrap();
    exchange.lose(1, "gone");
    assert_eq!(kind_of(&ticket.wait().unwrap_err()), ErrorKind::Connection);
    assert_eq!(exchange.begin(), 2);
    assert!(exchange.send(&Request::new(kind::LSTAT)).is_err(), "nothing goes before the greeting");
    drop(exchange.greet().unwrap());
    exchange.open();
    assert_eq!(kind_of(&exchange.send(&read(1)).err().unwrap()), ErrorKind::Connection);
    let ticket = exchange.send(&read(2)).unwrap();
    // The threads of the first connection have nothing to say any more.
    exchange.lose(1, "gone");
    exchange.refuse(1, Malformed("odd"));
    assert!(exchange.expect(1, GREETING + 1, 1).is_err());
    assert!(exchange.take_outgoing(1, &mut Vec::new()).is_none());
    assert!(exchange.take_outgoing(2, &mut Vec::new()).is_some());
    drop(exchange.expect(2, GREETING + 1, 1).unwrap().answer(raw(7)));
    assert_eq!(ticket.wait().unwrap().body, [7]);
}

/// What is asked of a file that is open is sent by whoever reads the answers, with the handle.
#[test]
fn what_follows_an_opening_is_sent_once_it_is_open() {
    let (exchange, _) = exchange(Duration::from_secs(60));
    let mut following = Following::default();
    let read = following.add(&exchange, Next::read(5, 6));
    following.close(None);
    let opened = exchange.send_ahead(&Request::new(kind::OPEN).string(b"a").held(), following).unwrap();
    let mut out = Vec::new();
    exchange.take_outgoing(1, &mut out).unwrap();
    assert_eq!(out.len(), 14);
    let handle = Raw { kind: kind::HANDLE, body: b"\0\0\0\x02hi".to_vec() };
    let mut expected = exchange.expect(1, GREETING, 6).unwrap();
    expected.follow(&handle, &exchange, 1);
    drop(expected.answer(handle));
    exchange.take_outgoing(1, &mut out).unwrap();
    let first =
        [0, 0, 0, 23, kind::READ, 0, 0, 0, 4, 0, 0, 0, 2, b'h', b'i', 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 6];
    let second = [0, 0, 0, 11, kind::CLOSE, 0, 0, 0, 5, 0, 0, 0, 2, b'h', b'i'];
    assert_eq!(out, [&first[..], &second].concat());
    assert!(opened.is_ready() && !read.is_ready());
    drop(exchange.expect(1, GREETING + 1, 1).unwrap().answer(raw(7)));
    assert_eq!(read.wait().unwrap().body, [7]);
    assert!(exchange.expect(1, GREETING + 2, 1).is_ok());
}

/// Nobody waits for ever for an answer about what was never opened.
#[test]
fn what_follows_an_opening_that_fails_is_not_waited_for() {
    let (exchange, _) = exchange(Duration::from_secs(60));
    let open = Request::new(kind::OPEN).string(b"a");
    let ahead = |request: &Request| {
        let mut following = Following::default();
        let read = following.add(&exchange, Next::read(0, 1));
        (read, exchange.send_ahead(request, following))
    };
    let (refused, opened) = ahead(&open);
    let mut expected = exchange.expect(1, GREETING, 1).unwrap();
    let status = raw(2);
    expected.follow(&status, &exchange, 1);
    drop(expected.answer(status));
    assert!(opened.is_ok() && refused.is_ready());
    let (odd, _) = ahead(&open);
    let mut expected = exchange.expect(1, GREETING + 1, 9).unwrap();
    expected.follow(&Raw { kind: kind::HANDLE, body: vec![0xff; 9] }, &exchange, 1);
    assert!(odd.is_ready(), "a handle that is none");
    let (unanswered, _) = ahead(&open);
    let (cut_short, _) = ahead(&open);
    drop(exchange.expect(1, GREETING + 2, 9).unwrap());
    assert!(unanswered.is_ready());
    exchange.lose(1, "gone");
    assert!(cut_short.is_ready());
    let (unsent, opened) = ahead(&open);
    assert!(opened.is_err() && unsent.is_ready());
    assert_eq!(kind_of(&unsent.wait().unwrap_err()), ErrorKind::Connection);
}

/// A request that waits for others does not count as unanswered before it has left.
#[test]
fn what_is_held_leaves_when_somebody_waits() {
    let (exchange, _) = exchange(Duration::from_secs(60));
    let ticket = exchange.send(&Request::new(kind::LSTAT).held()).unwrap();
    let mut out = Vec::new();
    exchange.take_outgoing(1, &mut out).unwrap();
    let writer = std::thread::spawn({
        let exchange = Arc::clone(&exchange);
        move || {
            // It waits, since there is nothing, until the request is pushed.
            let mut out = Vec::new();
            exchange.take_outgoing(1, &mut out).unwrap();
            let waiting = exchange.expect(1, GREETING + 1, 1).unwrap().answer(raw(3));
            waiting.iter().for_each(|slot| slot.wake());
        }
    });
    let held = exchange.send(&Request::new(kind::LSTAT).held()).unwrap();
    assert_eq!(held.wait().unwrap().body, [3]);
    writer.join().unwrap();
    drop(ticket);
}
