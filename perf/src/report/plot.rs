//! Plots as SVG: curves of latencies, and rates with their spread.
//!
//! The colours follow the viewer, light or dark, and a plot has its own ground, so that it can be
//! read where the viewer says nothing. Colours are told apart by people who see few of them, and
//! curves by their dashes too.

use svg::Document;
use svg::node::element::{Circle, Group, Line, Polyline, Rectangle, Style, Text};

use super::axis::Axis;
use super::curve::{Latency, Quantile};
use crate::figures::{Spread, grouped};

const WIDTH: f64 = 840.0;
/// Around the field of the plot.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 44.0;
const BELOW: f64 = 46.0;
/// Where the words of the legend begin.
const LEGEND: f64 = LEFT + 46.0;
/// Of the field with the curves.
const CURVES_HEIGHT: f64 = 320.0;
/// Of the field with the rates.
const RATES_WIDTH: f64 = 400.0;
/// Beside the field with the rates: the longest of their numbers.
const NUMBER: f64 = 96.0;
/// Of one line of text, or one rate.
const LINE: f64 = 22.0;
/// What a letter takes, about.
const LETTER: f64 = 7.0;

/// Blue, vermilion, green, purple, orange, sky: they stay apart for the colour-blind, and on both
/// grounds.
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#a05195", "#e69f00", "#56b4e9",
];
const DASHES: [&str; 4] = ["none", "7 4", "2 3", "9 3 2 3"];

const STYLE: &str = "
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 15px; }
.ground { fill: #ffffff; }
.grid { stroke: #d0d7de; stroke-width: 1; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.ground { fill: #0d1117; }
.grid { stroke: #3d444d; }
}
";

/// One line of a plot's legend, with what is drawn for it.
#[derive(Debug, Clone)]
pub(super) struct Labelled<T> {
    pub(super) label: String,
    pub(super) shown: T,
}

/// Latencies by quantile; each step to the right is a tenth of what was left. With several runs,
/// the curve is their middle, and a line across it goes from the lowest to the highest.
pub(super) fn curves(title: &str, all: &[Labelled<&Latency>]) -> String {
    const SHOWN: [u32; 7] = [
        500_000, 750_000, 900_000, 950_000, 990_000, 999_000, 999_900,
    ];
    let quantiles = || all.iter().flat_map(|one| &one.shown.quantiles);
    let millis = quantiles().flat_map(|(_, spread)| [spread.min, spread.max]);
    let vertical = Axis::powers(millis);
    let furthest = quantiles().map(|(quantile, _)| quantile.nines());
    let furthest = furthest.fold(1.0, f64::max);
    let across = |quantile: Quantile| LEFT + quantile.nines() / furthest * (WIDTH - LEFT - RIGHT);
    let up = |millis: f64| TOP + (1.0 - vertical.place(millis)) * CURVES_HEIGHT;
    let height = TOP + CURVES_HEIGHT + BELOW + LINE * all.len() as f64;
    let bottom = TOP + CURVES_HEIGHT;
    let width = WIDTH.max(LEGEND + longest(all) + RIGHT);
    let mut plot = begin(&format!("{title}, ms"), width, height);
    for tick in vertical.ticks() {
        let y = up(tick);
        plot = plot.add(grid(LEFT, y, WIDTH - RIGHT, y));
        plot = plot.add(text(&tick.to_string(), LEFT - 8.0, y + 4.0, "end"));
    }
    for quantile in SHOWN.map(Quantile::of_millionths) {
        if quantile.nines() > furthest + 1e-9 {
            continue;
        }
        let x = across(quantile);
        plot = plot.add(grid(x, TOP, x, bottom));
        let name = format!("p{}", quantile.percent());
        plot = plot.add(text(&name, x, bottom + 18.0, "middle"));
    }
    for (place, one) in all.iter().enumerate() {
        let points = one.shown.quantiles.iter();
        let points: Vec<_> = points
            .map(|(quantile, spread)| (across(*quantile), spread))
            .collect();
        let mut drawn = pen(place);
        drawn = drawn.add(line_through(points.iter().map(|(x, s)| (*x, up(s.median)))));
        for (x, spread) in points {
            drawn = drawn.add(dot(x, up(spread.median)));
            drawn = drawn.add(line(x, up(spread.min), x, up(spread.max)));
        }
        let y = bottom + BELOW + LINE * place as f64;
        drawn = drawn.add(line(LEFT, y - 4.0, LEFT + 36.0, y - 4.0));
        plot = plot.add(drawn).add(text(&one.label, LEGEND, y, "start"));
    }
    done(&plot)
}

/// Rates, one below the other: the middle of the runs, and a line from the lowest to the highest.
pub(super) fn rates(title: &str, all: &[Labelled<Spread>]) -> String {
    let left = LEFT.max(longest(all) + 16.0);
    let horizontal = Axis::linear(all.iter().map(|one| one.shown.max));
    let across = |number: f64| left + horizontal.place(number) * RATES_WIDTH;
    let bottom = TOP + LINE * (all.len() as f64 + 0.5);
    let mut plot = begin(title, left + RATES_WIDTH + NUMBER, bottom + BELOW);
    for tick in horizontal.ticks() {
        let x = across(tick);
        plot = plot.add(grid(x, TOP, x, bottom));
        plot = plot.add(text(&number(tick), x, bottom + 18.0, "middle"));
    }
    for (place, one) in all.iter().enumerate() {
        let y = TOP + LINE * (place as f64 + 0.75);
        let Spread { median, min, max } = one.shown;
        let drawn = pen(0)
            .add(line(across(min), y, across(max), y))
            .add(dot(across(median), y));
        plot = plot
            .add(drawn)
            .add(text(&one.label, left - 8.0, y + 4.0, "end"))
            .add(text(&number(median), across(max) + 9.0, y + 4.0, "start"));
    }
    done(&plot)
}

/// How wide the longest label is, about.
fn longest<T>(all: &[Labelled<T>]) -> f64 {
    let letters = all.iter().map(|one| one.label.chars().count()).max();
    letters.unwrap_or_default() as f64 * LETTER
}

/// A number beside an axis.
fn number(number: f64) -> String {
    if number >= 100.0 || number == 0.0 {
        return grouped(number);
    }
    let rounded = format!("{number:.2}");
    rounded
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

fn begin(title: &str, width: f64, height: f64) -> Document {
    let ground = Rectangle::new()
        .set("class", "ground")
        .set("width", px(width))
        .set("height", px(height));
    Document::new()
        .set("viewBox", format!("0 0 {} {}", px(width), px(height)))
        .set("width", px(width))
        .set("height", px(height))
        .set("role", "img")
        .add(Style::new(STYLE))
        .add(ground)
        .add(text(title, LEFT / 2.0, 24.0, "start").set("class", "title"))
}

fn done(plot: &Document) -> String {
    let mut text = plot.to_string();
    text.push('\n');
    text
}

/// What draws everything that belongs to one curve.
fn pen(place: usize) -> Group {
    let colour = COLOURS[place % COLOURS.len()];
    Group::new()
        .set("stroke", colour)
        .set("fill", colour)
        .set("stroke-width", 2)
        .set(
            "stroke-dasharray",
            DASHES[place / COLOURS.len() % DASHES.len()],
        )
}

/// Tenths of a pixel are enough, and the same everywhere.
fn px(number: f64) -> String {
    format!("{number:.1}")
}

fn line(x1: f64, y1: f64, x2: f64, y2: f64) -> Line {
    let line = Line::new().set("x1", px(x1)).set("y1", px(y1));
    line.set("x2", px(x2)).set("y2", px(y2))
}

fn grid(x1: f64, y1: f64, x2: f64, y2: f64) -> Line {
    line(x1, y1, x2, y2).set("class", "grid")
}

fn line_through(points: impl Iterator<Item = (f64, f64)>) -> Polyline {
    let points: Vec<String> = points
        .map(|(x, y)| format!("{},{}", px(x), px(y)))
        .collect();
    Polyline::new()
        .set("points", points.join(" "))
        .set("fill", "none")
}

fn dot(x: f64, y: f64) -> Circle {
    Circle::new().set("cx", px(x)).set("cy", px(y)).set("r", 3)
}

fn text(what: &str, x: f64, y: f64, anchor: &str) -> Text {
    Text::new(what)
        .set("x", px(x))
        .set("y", px(y))
        .set("text-anchor", anchor)
}

#[cfg(test)]
mod tests;
