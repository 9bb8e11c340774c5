//! The times as a chart: one panel for each thing that was measured, one bar for each contender.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::section::{Section, Unit};

/// Draws all sections whose values are times, as SVG. Bars end at the median, the line goes on to the 99th
/// percentile; the scale is logarithmic. `None` where there are no times.
///
/// # Errors
/// Where the library cannot draw it.
pub fn times(sections: &[Section]) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
    let times: Vec<_> = sections.iter().filter(|one| one.unit == Unit::Milliseconds).collect();
    if times.is_empty() {
        return Ok(None);
    }
    let height = |section: &Section| HEAD + ROW * section.rows.len() as u32;
    let whole = times.iter().map(|section| height(section)).sum::<u32>();
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, whole)).into_drawing_area();
        root.fill(&WHITE).map_err(words)?;
        let mut rest = root;
        for section in times {
            let (panel, below) = rest.split_vertically(height(section));
            draw(section, &panel)?;
            rest = below;
        }
    }
    Ok(Some(svg))
}

fn draw(
    section: &Section,
    panel: &DrawingArea<SVGBackend<'_>, Shift>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let rows = &section.rows;
    let greatest = rows.iter().filter_map(|row| row.sample.greatest()).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(panel)
        .caption(&section.title, (FONT, 16))
        .margin(8)
        .x_label_area_size(24)
        .y_label_area_size(190)
        .build_cartesian_2d((1.0..greatest * 1.5).log_scale(), 0.0..rows.len() as f64)
        .map_err(words)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .label_style((FONT, 11))
        .x_label_formatter(&|milliseconds| Unit::Milliseconds.tell(*milliseconds))
        .draw()
        .map_err(words)?;
    for (index, row) in rows.iter().enumerate() {
        let Some((median, p99)) = row.sample.median().zip(row.sample.p99()) else { continue };
        // The first one on top.
        let middle = (rows.len() - index) as f64 - 0.5;
        let colour = if row.who.starts_with("ours") { OURS } else { OTHERS };
        let bar = Rectangle::new(
            [(1.0, middle - 0.35), (median.max(1.0), middle + 0.35)],
            colour.filled(),
        );
        let line = PathElement::new(vec![(median.max(1.0), middle), (p99.max(1.0), middle)], BLACK);
        chart.draw_series([bar]).map_err(words)?;
        chart.draw_series([line]).map_err(words)?;
        label(panel, chart.backend_coord(&(1.0, middle)), &row.who)?;
    }
    Ok(())
}

/// To the left of a bar, by the coordinates of the whole picture.
fn label(
    panel: &DrawingArea<SVGBackend<'_>, Shift>,
    (x, y): (i32, i32),
    text: &str,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (left, top) = panel.get_base_pixel();
    let style = (FONT, 13).into_font().into_text_style(panel);
    panel.draw_text(text, &style, (x - left - 180, y - top - 7)).map_err(words)
}

/// The library's errors hold on to what was being drawn.
fn words(error: impl std::fmt::Display) -> Box<dyn Error + Send + Sync> {
    error.to_string().into()
}

const FONT: &str = "sans-serif";
const WIDTH: u32 = 800;

/// Of a panel, in pixels: its caption and axis, and each bar.
const HEAD: u32 = 76;
const ROW: u32 = 24;

const OURS: RGBColor = RGBColor(218, 165, 32);
const OTHERS: RGBColor = RGBColor(120, 144, 156);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::Row;

    #[test]
    fn every_contender_has_a_bar_of_its_own() {
        let row = |who: &str, values: [f64; 2]| Row {
            who: who.to_owned(),
            sample: values.into_iter().collect(),
            two_at_once: None,
            goal: None,
        };
        let rows = vec![row("ours, 6 s", [9.0, 12.0]), row("client-go, 15 s", [1900.0, 4000.0])];
        let svg = times(&[
            Section::new("Hand-over", "", Unit::Milliseconds, rows),
            Section::new("Memory", "", Unit::Mebibytes, Vec::new()),
        ]);
        let svg = svg.unwrap().unwrap();
        for wanted in ["Hand-over", "ours, 6 s", "client-go, 15 s"] {
            assert!(svg.contains(wanted), "{wanted} in {svg}");
        }
        assert!(!svg.contains("Memory"), "only times are comparable on one scale");
    }
}
