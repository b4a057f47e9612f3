use super::*;
use serde_json::{Value, json};

fn latency(runs: &[Value]) -> Latency {
    let runs = runs.iter().filter_map(Value::as_object);
    Latency::of_runs("delivery", runs).expect("latencies")
}

/// Every element by its name, as a reader of XML sees it.
fn elements(plot: &str) -> Vec<String> {
    let read = svg::read(plot).expect("SVG");
    let begun = read.filter_map(|event| match event {
        svg::parser::Event::Tag(name, kind, _) if kind != svg::node::element::tag::Type::End => {
            Some(name.to_owned())
        }
        svg::parser::Event::Error(why) => panic!("{why}"),
        _ => None,
    });
    begun.collect()
}

/// What is written in it.
fn texts(plot: &str) -> Vec<String> {
    let read = svg::read(plot).expect("SVG");
    let texts = read.filter_map(|event| match event {
        svg::parser::Event::Text(text) => Some(text.trim().to_owned()),
        _ => None,
    });
    texts.collect()
}

fn count(plot: &str, name: &str) -> usize {
    elements(plot)
        .iter()
        .filter(|element| *element == name)
        .count()
}

#[test]
fn each_latency_is_a_curve_with_a_line_in_the_legend() {
    let slow = json!({"count": 5000, "p50_ms": 2.0, "p99_ms": 90.0, "p999_ms": 120.0});
    let fast = json!({"count": 5000, "p50_ms": 0.4, "p99_ms": 7.0, "p999_ms": 9.0});
    let (slow, fast) = (latency(&[slow.clone(), slow]), latency(&[fast]));
    let all = [("<slow> & old", &slow), ("fast", &fast)].map(|(label, shown)| Labelled {
        label: label.to_owned(),
        shown,
    });
    let plot = curves("delivery", &all);
    assert_eq!(plot, curves("delivery", &all), "the same again");
    assert_eq!((count(&plot, "polyline"), count(&plot, "circle")), (2, 6));
    let texts = texts(&plot);
    for words in ["&lt;slow&gt; &amp; old", "fast", "p99.9", "0.1", "1000"] {
        assert!(texts.iter().any(|text| text == words), "{words}: {texts:?}");
    }
    assert!(!texts.contains(&"p99.99".to_owned()), "nobody told of it");
    assert!(plot.contains("prefers-color-scheme: dark"), "{plot}");
}

#[test]
fn a_long_label_has_room() {
    let width = |plot: &str| {
        let after = plot.split("viewBox=\"0 0 ").nth(1).expect("a size");
        let width = after.split(' ').next().expect("a width");
        width.parse::<f64>().expect("a number")
    };
    let long = "x".repeat(200);
    let one = latency(&[json!({"count": 500, "p50_ms": 1.0, "p90_ms": 10.0})]);
    let shown = Spread::of([5.0]).expect("a number");
    for label in ["short", &long] {
        let label = label.to_owned();
        let room = label.len() as f64 * LETTER;
        let drawn = rates(
            "x",
            &[Labelled {
                label: label.clone(),
                shown,
            }],
        );
        assert!(width(&drawn) > room + RATES_WIDTH, "{label}");
        let drawn = curves("x", &[Labelled { label, shown: &one }]);
        assert!(width(&drawn) > room + LEGEND);
    }
}

#[test]
fn a_higher_latency_is_higher_up() {
    let one = json!({"count": 500, "p50_ms": 1.0, "p90_ms": 10.0});
    let one = latency(&[one]);
    let label = "one".to_owned();
    let plot = curves("delivery", &[Labelled { label, shown: &one }]);
    let points = plot.split("points=\"").nth(1).expect("a curve");
    let points = points.split('"').next().expect("its end");
    let points: Vec<(f64, f64)> = points
        .split(' ')
        .filter_map(|point| point.split_once(','))
        .map(|(x, y)| (x.parse().expect("x"), y.parse().expect("y")))
        .collect();
    assert!(
        points[0].0 < points[1].0 && points[0].1 > points[1].1,
        "{points:?}"
    );
    assert_eq!(points[1].1, TOP, "the upper end of the axis");
}

#[test]
fn a_rate_has_a_middle_and_a_spread() {
    let spread = |median, min, max| Spread { median, min, max };
    let all = [
        ("a", spread(37_159.0, 36_884.0, 40_854.0)),
        ("b", spread(0.0, 0.0, 0.0)),
    ];
    let all = all.map(|(label, shown)| Labelled {
        label: label.to_owned(),
        shown,
    });
    let plot = rates("posts per second", &all);
    assert_eq!(count(&plot, "circle"), 2);
    let texts = texts(&plot);
    for words in ["37,159", "50,000", "a", "b"] {
        assert!(texts.iter().any(|text| text == words), "{words}: {texts:?}");
    }
}

#[test]
fn numbers_beside_an_axis_are_short() {
    for (given, text) in [(12_345.0, "12,345"), (0.0, "0"), (0.5, "0.5"), (20.0, "20")] {
        assert_eq!(number(given), text);
    }
}
