//! What was answered is in the ledger, at whatever moment the server is killed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lockgate_repeat::Repeat;
use lockgate_tests::served::{Served, send, token};

use crate::durable::{GATE, folder, kept, request};

const CLIENTS: usize = 4;

#[test]
fn a_server_that_is_killed_under_load_has_lost_nothing_that_it_answered() {
    let repeat = Repeat::new(30, 300);
    let mut random = repeat.random();
    let data = folder("killed").join("data");
    let mut answered = BTreeSet::new();
    let mut token_of_ada = None;
    for round in 0..repeat.count {
        let mut server = Served::start(&data, &[]);
        let address = server.address.clone();
        let token = token_of_ada.get_or_insert_with(|| token(&data));
        if round == 0 {
            request(&address, token);
        }
        let stopped = AtomicBool::new(false);
        let ids: Vec<String> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut ids = Vec::new();
                        while !stopped.load(Ordering::Relaxed) {
                            let Some(answer) = send(&address, "POST", GATE, token, "") else { break };
                            let id = answer.json()["id"].as_str().map(str::to_owned);
                            ids.push(id.unwrap_or_else(|| panic!("{}", answer.body)));
                        }
                        ids
                    })
                })
                .collect();
            thread::sleep(Duration::from_millis(random.u64(20..200)));
            server.kill();
            stopped.store(true, Ordering::Relaxed);
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        answered.extend(ids);
    }

    let kept = kept(&data);
    let lost: Vec<&String> = answered.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} answered decisions are lost: {lost:?}", lost.len(), answered.len());
    assert!(answered.len() > repeat.count as usize, "there was no load: {} answers", answered.len());
}
