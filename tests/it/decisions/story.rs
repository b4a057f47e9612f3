//! Five agents choose a database, and everything reads the same after a crash.

use serde_json::{Value, json};

use super::{DECISIONS, path_of};
use crate::support::binary::folder;
use crate::support::{Binary, Rest};

/// The five of them.
struct Team {
    ann: Rest,
    bob: Rest,
    cem: Rest,
    dan: Rest,
    eve: Rest,
}

impl Team {
    fn of(server: &Binary) -> Self {
        Self {
            ann: server.rest("ann"),
            bob: server.rest("bob"),
            cem: server.rest("cem"),
            dan: server.rest("dan"),
            eve: server.rest("eve"),
        }
    }

    fn all(&self) -> [&Rest; 5] {
        [&self.ann, &self.bob, &self.cem, &self.dan, &self.eve]
    }

    /// All in one room; `eve` reviews, and so holds a veto.
    async fn gather(&self) {
        self.ann
            .post("/v1/rooms", &json!({"room": "den"}))
            .await
            .ok(201);
        for rest in [&self.bob, &self.cem, &self.dan, &self.eve] {
            let me = "/v1/rooms/den/members/me";
            rest.put(me, &json!({})).await.ok(200);
        }
        let eve = "/v1/rooms/den/members/eve";
        let reviewer = json!({"role": "reviewer"});
        self.ann.put(eve, &reviewer).await.ok(200);
    }
}

async fn vote(rest: &Rest, path: &str, version: u32, choice: &str) -> Value {
    let ballot = json!({"version": version, "choice": choice, "reason": "my own"});
    rest.put(&format!("{path}/ballot"), &ballot).await.ok(200)
}

/// Two motions of which one can be approved, and what is said of the second one.
async fn debate(team: &Team) -> (String, String, String) {
    let first = json!({"text": "Use SQLite", "vote_type": "consensus"});
    let first = team.ann.post(DECISIONS, &first).await.ok(201);
    let second = json!({
        "text": "Use PostgreSQL", "vote_type": "consensus", "alternative_to": first["decision"],
    });
    let second = team.bob.post(DECISIONS, &second).await.ok(201);
    assert_eq!(second["alternative_to"], first["decision"]);
    assert_eq!(second["electorate"][4]["veto"], true, "eve reviews");
    let (first, second) = (path_of(&first), path_of(&second));

    let doubt = json!({"severity": "blocking", "text": "Who makes the backups?"});
    let doubt = team.cem.post(&format!("{second}/critiques"), &doubt).await;
    let doubt = doubt.ok(201)["critique"]
        .as_str()
        .expect("an id")
        .to_owned();
    let arguments = format!("{second}/arguments");
    let scale = json!({
        "side": "for", "text": "It scales", "evidence": ["https://example.org/bench"],
    });
    let said = team.dan.post(&arguments, &scale).await.ok(201);
    assert_eq!(
        (&said["kind"], &said["by"]),
        (&json!("argued"), &json!("dan"))
    );
    let work = json!({"side": "against", "text": "It is work", "evidence": ["file_1"]});
    team.eve.post(&arguments, &work).await.ok(201);
    (first, second, doubt)
}

/// Others want another text, and more than half of them adopt it.
async fn amend(team: &Team, path: &str) {
    for rest in [&team.ann, &team.bob, &team.dan] {
        vote(rest, path, 1, "approve").await;
    }
    let text = json!({"version": 1, "text": "Use PostgreSQL, with nightly backups"});
    let amended = team.cem.post(&format!("{path}/amendments"), &text).await;
    let amended = amended.ok(201);
    assert_eq!(amended["kind"], "amendment_proposed");
    let adopt = format!("{path}/amendments/{}/ballot", amended["amendment"]);
    for (rest, version) in [(&team.cem, 1), (&team.ann, 1), (&team.bob, 2)] {
        let object = rest.put(&adopt, &json!({"choice": "approve"})).await;
        assert_eq!(object.ok(200)["version"], version);
    }
    let late = json!({"version": 1, "choice": "approve"});
    let late = team.dan.put(&format!("{path}/ballot"), &late).await;
    let error = late.error(409, "stale_version", 1501);
    assert_eq!(error["details"]["version"], 2, "{error}");
    let object = team.dan.get(path).await.ok(200);
    assert_eq!(object["tally"]["outstanding"], 5, "their ballots are void");
    assert_eq!(
        object["not_voted"],
        json!(["ann", "bob", "cem", "dan", "eve"])
    );
    assert_eq!(object["ballots"][0]["counts"], false);
}

/// All are for it, and as long as the critique stands that is not enough.
async fn agree(team: &Team, path: &str, doubt: &str) {
    for rest in team.all() {
        vote(rest, path, 2, "approve").await;
    }
    let object = team.eve.get(path).await.ok(200);
    assert_eq!(
        (&object["state"], &object["held_by"]),
        (&json!("open"), &json!([doubt]))
    );
    let resolve = format!("/v1/rooms/den/critiques/{doubt}/resolve");
    team.ann
        .post(&resolve, &json!({}))
        .await
        .error(403, "forbidden", 1101);
    let resolved = team.cem.post(&resolve, &json!({"text": "Now I see"})).await;
    assert_eq!(resolved.ok(200)["kind"], "resolved");
    let object = team.eve.get(path).await.ok(200);
    assert_eq!(
        (&object["state"], &object["verdict"], &object["version"]),
        (&json!("approved"), &json!("approved"), &json!(2))
    );
    assert_eq!(object["tally"]["approve"], 5);
    assert_eq!(object["critiques"][0]["answer"], "Now I see");
    assert_eq!(
        object["arguments"]["for"][0]["evidence"],
        json!(["https://example.org/bench"])
    );
    assert_eq!(object["arguments"]["against"][0]["by"], "eve");
}

/// A majority is quick, and the veto holder is waited for all the same.
async fn veto(team: &Team) -> String {
    let friday = json!({"text": "Deploy on Friday", "vote_type": "simple_majority"});
    let path = path_of(&team.dan.post(DECISIONS, &friday).await.ok(201));
    for rest in [&team.ann, &team.bob, &team.cem] {
        vote(rest, &path, 1, "approve").await;
    }
    let object = team.dan.get(&path).await.ok(200);
    assert_eq!(
        (&object["state"], &object["waits_for"]),
        (&json!("open"), &json!(["eve"]))
    );
    let object = vote(&team.eve, &path, 1, "veto").await;
    assert_eq!(
        (&object["state"], &object["verdict"]),
        (&json!("vetoed"), &json!("vetoed"))
    );
    assert_eq!(object["not_voted"], json!(["dan"]));
    path
}

/// Everything that there is to read.
async fn readings(rest: &Rest, paths: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    for path in paths {
        all.push(rest.get(path).await.ok(200));
    }
    let lists = [DECISIONS, "/v1/rooms/den/critiques", "/v1/rooms/den"];
    for list in lists {
        let mut read = rest.get(list).await.ok(200);
        // Who is there is not written down.
        if let Some(room) = read.as_object_mut() {
            room.remove("members");
        }
        all.push(read);
    }
    all.extend(rest.events("den", 0).await);
    all
}

#[tokio::test]
async fn five_agents_choose_a_database() {
    let folder = folder();
    let server = Binary::start(folder.path(), 0);
    let team = Team::of(&server);
    team.gather().await;
    let mut watching = server.session("eve").await;
    let (first, second, doubt) = debate(&team).await;
    amend(&team, &second).await;
    agree(&team, &second, &doubt).await;
    let superseded = team.ann.get(&first).await.ok(200);
    assert_eq!(superseded["state"], "superseded");
    assert_eq!(
        second,
        format!(
            "{DECISIONS}/{}",
            superseded["superseded_by"].as_str().expect("an id")
        )
    );
    let third = veto(&team).await;

    // Whoever watches was told all of it, in its order.
    let events = team.eve.events("den", 0).await;
    let last = events.last().expect("there are some")["seq"].as_u64();
    watching.up_to("den", last.expect("a seq")).await;
    assert_eq!(watching.events("den"), events[7..], "since it came");
    let mut ended: Vec<_> = events
        .iter()
        .filter(|event| event["kind"] == "decided")
        .collect();
    let ended: Vec<_> = ended
        .drain(..)
        .map(|event| event["verdict"].as_str())
        .collect();
    assert_eq!(
        ended,
        [Some("approved"), Some("superseded"), Some("vetoed")]
    );

    let paths = [first.as_str(), second.as_str(), third.as_str()];
    let before = readings(&team.bob, &paths).await;
    server.kill();
    let server = Binary::start(folder.path(), 0);
    let after = readings(&server.rest("bob"), &paths).await;
    assert_eq!(before, after);
}
