//! What was answered is in the ledger, whenever the machine stops. `LOCKGATE_KILLS` says how often it does, instead of 30
//! times.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lockgate_tests::served::{Served, send, token};

use crate::{GATE, folder, kept, request};

const CLIENTS: usize = 4;

#[test]
fn a_server_that_is_killed_under_load_has_lost_nothing_that_it_answered() {
    let kills = std::env::var("LOCKGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(30);
    let data = folder("killed").join("data");
    let mut answered = BTreeSet::new();
    let mut token_of_ada = None;
    for round in 0_u64..kills {
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
            // At moments that differ from round to round, and do not repeat.
            thread::sleep(Duration::from_millis(20 + round.wrapping_mul(7919) % 180));
            server.kill();
            stopped.store(true, Ordering::Relaxed);
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        answered.extend(ids);
    }

    let kept = kept(&data);
    let lost: Vec<&String> = answered.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} answered decisions are lost: {lost:?}", lost.len(), answered.len());
    assert!(answered.len() as u64 > kills, "there was no load: {} answers", answered.len());
}
