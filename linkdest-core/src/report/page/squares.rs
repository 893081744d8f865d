//! A rectangle cut into rectangles whose areas are given, none longer than it must be: "Squarified Treemaps", Bruls,
//! Huizing and van Wijk, 2000. Pure.

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rectangle {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Cuts a rectangle, a piece for each weight in the order given, which should be the largest first. Weights are positive.
pub(super) fn cut(whole: Rectangle, weights: &[f64]) -> Vec<Rectangle> {
    let sum: f64 = weights.iter().sum();
    let scale = if sum > 0.0 { whole.width * whole.height / sum } else { 0.0 };
    let mut areas: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
    let (mut free, mut pieces) = (whole, Vec::new());
    while !areas.is_empty() {
        let side = free.width.min(free.height);
        let mut count = 1;
        while count < areas.len() && worst(&areas, count + 1, side) <= worst(&areas, count, side) {
            count += 1;
        }
        let row: Vec<f64> = areas.drain(..count).collect();
        free = lay(&row, free, &mut pieces);
    }
    pieces
}

/// How long the longest of the first pieces would be if they were laid along a side.
fn worst(areas: &[f64], count: usize, side: f64) -> f64 {
    let row = areas.get(..count).unwrap_or_default();
    let sum: f64 = row.iter().sum();
    let (side, sum) = (side * side, sum * sum);
    row.iter().map(|area| (side * area / sum).max(sum / (side * area))).fold(0.0, f64::max)
}

/// Lays pieces along the shorter side, and hands back what is left.
fn lay(row: &[f64], free: Rectangle, pieces: &mut Vec<Rectangle>) -> Rectangle {
    let sum: f64 = row.iter().sum();
    let Rectangle { mut x, mut y, width, height } = free;
    if width >= height {
        let thick = if height > 0.0 { sum / height } else { 0.0 };
        for area in row {
            let long = if thick > 0.0 { area / thick } else { 0.0 };
            pieces.push(Rectangle { x, y, width: thick, height: long });
            y += long;
        }
        Rectangle { x: free.x + thick, y: free.y, width: (width - thick).max(0.0), height }
    } else {
        let thick = if width > 0.0 { sum / width } else { 0.0 };
        for area in row {
            let long = if thick > 0.0 { area / thick } else { 0.0 };
            pieces.push(Rectangle { x, y, width: long, height: thick });
            x += long;
        }
        Rectangle { x: free.x, y: free.y + thick, width, height: (height - thick).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: Rectangle = Rectangle { x: 0.0, y: 0.0, width: 600.0, height: 400.0 };

    #[test]
    fn the_example_of_the_paper() {
        let pieces =
            cut(Rectangle { width: 6.0, height: 4.0, ..WHOLE }, &[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0]);
        let [first, second, ..] = pieces.as_slice() else { panic!() };
        assert_eq!(*first, Rectangle { x: 0.0, y: 0.0, width: 3.0, height: 2.0 });
        assert_eq!(*second, Rectangle { x: 0.0, y: 2.0, width: 3.0, height: 2.0 });
        assert_eq!(pieces.len(), 7);
        assert_eq!(cut(WHOLE, &[]), []);
    }

    proptest! {
        #[test]
        fn pieces_have_their_areas_and_stay_inside(mut weights in proptest::collection::vec(0.001_f64..1e9, 1..40)) {
            weights.sort_by(|a, b| b.total_cmp(a));
            let sum: f64 = weights.iter().sum();
            let pieces = cut(WHOLE, &weights);
            prop_assert_eq!(pieces.len(), weights.len());
            for (piece, weight) in pieces.iter().zip(&weights) {
                let area = weight / sum * 240_000.0;
                prop_assert!((piece.width * piece.height - area).abs() < 1e-3 + area * 1e-6);
                prop_assert!(piece.x >= -1e-6 && piece.x + piece.width <= 600.0 + 1e-3);
                prop_assert!(piece.y >= -1e-6 && piece.y + piece.height <= 400.0 + 1e-3);
            }
        }
    }
}
