//! Spans as OTLP has them, in JSON: ids in hexadecimal, times as texts with nanoseconds.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::span::{Name, Span, Value};

/// Kinds and states, by the numbers of the protocol.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const ERROR: u8 = 2;

/// One request with these spans.
pub(super) fn request(service: &str, spans: &[Span]) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [
        ("service.name", Value::Text(service.to_owned())),
        ("service.version", Value::Text(version.to_owned())),
    ];
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(&resource)},
        "scopeSpans": [{
            "scope": {"name": env!("CARGO_PKG_NAME"), "version": version},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]})
}

/// How many spans a collector says that it did not take, of those that it was sent.
pub(super) fn rejected(answer: &[u8]) -> usize {
    let Ok(answer) = serde_json::from_slice::<Json>(answer) else {
        // It need not say anything.
        return 0;
    };
    let number = &answer["partialSuccess"]["rejectedSpans"];
    let number = match number {
        Json::String(text) => text.parse().ok(),
        number => number.as_u64(),
    };
    number.map_or(0, |number| usize::try_from(number).unwrap_or(usize::MAX))
}

fn span(span: &Span) -> Json {
    let kind = match span.name {
        Name::Accept => SERVER,
        _ => INTERNAL,
    };
    let links = span.links.iter();
    let links =
        links.map(|(trace, id)| json!({"traceId": trace.to_string(), "spanId": id.to_string()}));
    let mut json = json!({
        "traceId": span.trace.to_string(),
        "spanId": span.id.to_string(),
        "name": span.name.word(),
        "kind": kind,
        "startTimeUnixNano": nanos(span.began),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes(&span.attributes),
        "links": links.collect::<Vec<_>>(),
    });
    if let Some(parent) = span.parent {
        json["parentSpanId"] = Json::String(parent.to_string());
    }
    if span.is_error {
        json["status"] = json!({"code": ERROR});
    }
    json
}

fn nanos(since_1970: Duration) -> String {
    since_1970.as_nanos().to_string()
}

fn attributes(attributes: &[(&'static str, Value)]) -> Vec<Json> {
    let attribute = |(key, value): &(&str, Value)| {
        let value = match value {
            Value::Text(text) => json!({"stringValue": text}),
            // A whole number is a text there, too.
            Value::Number(number) => json!({"intValue": number.to_string()}),
        };
        json!({"key": key, "value": value})
    };
    attributes.iter().map(attribute).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_does_not_take_is_read_from_its_answer() {
        for (answer, number) in [
            (r#"{"partialSuccess":{"rejectedSpans":"3"}}"#, 3),
            (
                r#"{"partialSuccess":{"rejectedSpans":4,"errorMessage":"x"}}"#,
                4,
            ),
            (r#"{"partialSuccess":{}}"#, 0),
            (r#"{"partialSuccess":{"rejectedSpans":-1}}"#, 0),
            ("{}", 0),
            ("", 0),
            ("taken", 0),
            ("[1]", 0),
        ] {
            assert_eq!(rejected(answer.as_bytes()), number, "{answer}");
        }
    }
}
