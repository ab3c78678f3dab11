//! The identity of steps.

use hookstack_core::Error;
use hookstack_inngest::{Step, StepId};
use serde_json::json;

use crate::support::{Server, hash};

#[tokio::test]
async fn the_repeats_of_an_id_are_numbered() {
    let mut server = Server::of(|step: Step| async move {
        let mut sum = 0;
        for n in 0..4 {
            sum += step.run("same", || async { Ok::<u32, Error>(n) }).await?;
        }
        Ok::<_, Error>(sum)
    });
    for (index, id) in ["same", "same:1", "same:2", "same:3"].iter().enumerate() {
        let reply = server.call().await;
        let operation = reply.operation().clone();
        assert_eq!(operation["id"], hash(id));
        assert_eq!(operation["name"], "same");
        let expected = if index == 0 { json!(null) } else { json!(index) };
        assert_eq!(operation["userland"]["index"], expected);
        server = server.done(id, operation["data"].clone());
    }
    assert_eq!(server.call().await.json, json!(6));
}

#[tokio::test]
async fn a_literal_id_that_looks_like_a_repeat_collides_with_none() {
    let ids = ["same", "same", "same:1"];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in orders {
        let ids = order.map(|index| ids[index]);
        let mut server = Server::of(move |step: Step| async move {
            let mut seen = Vec::new();
            for (n, id) in ids.into_iter().enumerate() {
                seen.push(step.run(id, || async { Ok::<_, Error>(n) }).await?);
            }
            Ok::<_, Error>(seen)
        });
        let last = server.run().await;
        assert_eq!(last.json, json!([0, 1, 2]), "{ids:?}");
        assert_eq!(server.calls, 4, "{ids:?}: each ran once");

        let mut server = Server::of(move |step: Step| async move {
            let steps = ids.map(|id| step.run(id, || async { Ok::<_, Error>(0) }));
            futures::future::join_all(steps).await;
            Ok::<_, Error>(())
        });
        let reply = server.call().await;
        let mut hashes: Vec<_> = reply.json.as_array().unwrap().iter().map(|o| &o["id"]).collect();
        hashes.dedup();
        assert_eq!(hashes.len(), 3, "{ids:?}");
    }
}

#[tokio::test]
async fn the_number_is_taken_when_the_tool_is_called_not_when_it_is_awaited() {
    let reply = Server::of(|step: Step| async move {
        let first = step.run("same", || async { Ok::<_, Error>("first".to_owned()) });
        let second = step.run("same", || async { Ok::<_, Error>("second".to_owned()) });
        let second = second.await?;
        Ok::<_, Error>((first.await?, second))
    })
    .done("same", "one")
    .done("same:1", "two")
    .call()
    .await;
    assert_eq!(reply.json, json!(["one", "two"]));
}

#[tokio::test]
async fn a_display_name_is_no_part_of_the_identity() {
    let reply = Server::of(|step: Step| async move {
        let id = StepId::new("charge").with_name("Charge the card");
        step.run(id, || async { Ok::<_, Error>(1) }).await?;
        Ok::<_, Error>(())
    })
    .call()
    .await;
    let operation = reply.operation();
    assert_eq!(operation["id"], hash("charge"));
    assert_eq!(
        (&operation["name"], &operation["displayName"]),
        (&json!("charge"), &json!("Charge the card"))
    );
}
