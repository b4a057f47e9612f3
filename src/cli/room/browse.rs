//! Rooms, as one finds them.

use serde_json::Value;

use super::Context;
use super::args::{ListArgs, RoomOnly};
use super::view::{self, MemberBody, RoomBody, RoomItem};
use crate::cli::show::{Paint, count, date_and_time, table, visible};
use crate::client::ClientError;

pub(super) async fn list(context: &mut Context, args: &ListArgs) -> Result<(), ClientError> {
    let limit = args.limit.unwrap_or(u64::MAX);
    let rest = &context.connection.rest;
    let answer = rest.list(&["v1", "rooms"], limit).await?;
    context
        .output
        .answer(&answer, |paint| human_list(&answer, paint))
}

fn human_list(answer: &Value, paint: Paint) -> Result<String, ClientError> {
    let items: Vec<RoomItem> = view::read(&answer["items"])?;
    if items.is_empty() {
        return Ok("there is no room that you can see; agent-bridge room create makes one".into());
    }
    let rows: Vec<_> = items.into_iter().map(row).collect();
    let mut text = table(["ROOM", "ACCESS", "MEMBERS", "TOPIC"], &rows, paint);
    if !answer["next"].is_null() {
        text.push_str(&format!("\n{}", paint.dim("… and more")));
    }
    Ok(text)
}

fn row(item: RoomItem) -> [String; 4] {
    let mut access = view::visibility(item.visibility).to_owned();
    if item.has_password {
        access.push_str(", password");
    }
    if item.closed_at.is_some() {
        "closed".clone_into(&mut access);
    }
    [
        item.room.to_string(),
        access,
        item.members_total.to_string(),
        item.topic,
    ]
}

pub(super) async fn show(context: &mut Context, args: &RoomOnly) -> Result<(), ClientError> {
    let answer = context
        .connection
        .rest
        .get(&["v1", "rooms", args.room.as_str()], &[])
        .await?;
    context
        .output
        .answer(&answer, |paint| Ok(human_room(view::read(&answer)?, paint)))
}

fn human_room(body: RoomBody, paint: Paint) -> String {
    let mut lines = vec![format!(
        "{}  {}",
        paint.bold(body.room.as_str()),
        visible(&body.topic)
    )];
    let mut facts = vec![view::visibility(body.policy.visibility).to_owned()];
    if body.has_password {
        facts.push("password".to_owned());
    }
    facts.push(count(body.members_total, "member"));
    if let Some(members) = &body.members {
        let online = members.iter().filter(|m| m.online).count();
        facts.push(format!("{online} online"));
        facts.push(count(body.posts, "message"));
    }
    facts.push(format!("head #{}", body.head));
    lines.push(facts.join(" · "));
    let by = body
        .created_by
        .as_deref()
        .map(|by| format!(" by {}", visible(by)));
    let created = date_and_time(&body.created_at);
    lines.push(paint.dim(&format!("created {created} UTC{}", by.unwrap_or_default())));
    if let Some(closed) = &body.closed_at {
        let closed = format!(
            "closed {} UTC; its history can still be read",
            date_and_time(closed)
        );
        lines.push(paint.bad(&closed));
    }
    match body.members {
        Some(members) => {
            let rows: Vec<_> = members.into_iter().map(member_row).collect();
            let heading = [
                "MEMBER",
                "ROLE",
                "WEIGHT",
                "ONLINE",
                "SINCE (UTC)",
                "ASKS FOR",
            ];
            lines.extend([String::new(), table(heading, &rows, paint)]);
            let rows: Vec<_> = body
                .channels
                .into_iter()
                .map(|c| [c.name, c.topic])
                .collect();
            lines.extend([String::new(), table(["CHANNEL", "TOPIC"], &rows, paint)]);
        }
        None => lines.push(paint.dim("you are not a member; only members see the rest")),
    }
    lines.join("\n")
}

fn member_row(member: MemberBody) -> [String; 6] {
    let MemberBody {
        client,
        role,
        weight,
        requested_role,
        joined_at,
        online,
    } = member;
    let online = if online { "yes" } else { "no" };
    let since = date_and_time(&joined_at);
    [
        client,
        role,
        weight.to_string(),
        online.into(),
        since,
        requested_role.unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn room(members: Value) -> RoomBody {
        view::read(&json!({
            "room": "design", "head": 21, "epoch": "ep_00000000000000000000000000000001",
            "topic": "How the \u{1b}[31mparser works",
            "policy": {"visibility": "listed", "roles": "granted", "create_channels": "members"},
            "has_password": true, "created_at": "2026-11-22T08:15:30.250Z", "created_by": "maya",
            "closed_at": null, "members_total": 2, "posts": 14, "open_decisions": [],
            "channels": [{"name": "main", "topic": "", "created_at": "x"},
                {"name": "設計", "topic": "t", "created_at": "x"}],
            "members": members,
        }))
        .expect("a room")
    }

    #[test]
    fn a_member_sees_the_whole_room() {
        let members = json!([
            {"client": "maya", "role": "coordinator", "weight": 2.0, "requested_role": null,
                "joined_at": "2026-11-22T08:15:30.250Z", "online": true},
            {"client": "ravi", "role": "participant", "weight": 1.5, "requested_role": "reviewer",
                "joined_at": "2026-11-22T08:16:00.000Z", "online": false},
        ]);
        let expected = "\
design  How the ␛[31mparser works
listed · password · 2 members · 1 online · 14 messages · head #21
created 2026-11-22 08:15:30 UTC by maya

MEMBER  ROLE         WEIGHT  ONLINE  SINCE (UTC)          ASKS FOR
maya    coordinator  2       yes     2026-11-22 08:15:30
ravi    participant  1.5     no      2026-11-22 08:16:00  reviewer

CHANNEL  TOPIC
main
設計     t";
        assert_eq!(human_room(room(members), Paint::new(false)), expected);
    }

    #[test]
    fn others_see_its_door() {
        let text = human_room(room(Value::Null), Paint::new(false));
        assert!(
            text.ends_with("you are not a member; only members see the rest"),
            "{text}"
        );
        assert!(
            !text.contains("online") && !text.contains("CHANNEL"),
            "{text}"
        );
    }

    #[test]
    fn a_list_is_a_table() {
        let item = |room: &str, closed: Value| {
            json!({"room": room, "topic": "t", "visibility": "open", "has_password": true,
                "created_at": "x", "closed_at": closed, "members_total": 3})
        };
        let answer = json!({
            "items": [item("design", Value::Null), item("old", json!("2026-11-22T08:15:30.250Z"))],
            "next": "old",
        });
        let text = human_list(&answer, Paint::new(false)).expect("a list");
        let expected = "\
ROOM    ACCESS          MEMBERS  TOPIC
design  open, password  3        t
old     closed          3        t
… and more";
        assert_eq!(text, expected);
    }
}
