//! Medians and quartiles.

/// The middle of some figures and where a quarter lies below and above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

impl Spread {
    /// `None` of no figures. Between two of them it is interpolated.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |quarters| quantile(&sorted, quarters);
        Some(Self { lower: at(1)?, median: at(2)?, upper: at(3)? })
    }

    /// Of the ratios of figures that belong together.
    pub(crate) fn of_ratios(these: &[f64], those: &[f64]) -> Option<Self> {
        let ratios = these.iter().zip(those).filter(|(_, that)| **that > 0.0).map(|(this, that)| this / that);
        Self::of(ratios)
    }
}

fn quantile(sorted: &[f64], quarters: usize) -> Option<f64> {
    let steps = (sorted.len().checked_sub(1)?) * quarters;
    let (below, between) = (steps / 4, steps % 4);
    let low = sorted.get(below)?;
    let high = sorted.get(below + 1).unwrap_or(low);
    Some(low + (high - low) * [0.0, 0.25, 0.5, 0.75].get(between)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        for (figures, expected) in [
            (vec![3.0], (3.0, 3.0, 3.0)),
            (vec![2.0, 1.0], (1.25, 1.5, 1.75)),
            (vec![5.0, 1.0, 4.0, 2.0, 3.0], (2.0, 3.0, 4.0)),
        ] {
            let spread = Spread::of(figures).unwrap();
            assert_eq!((spread.lower, spread.median, spread.upper), expected);
        }
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let spread = Spread::of_ratios(&[2.0, 40.0, 6.0], &[1.0, 10.0, 2.0]).unwrap();
        assert_eq!(spread.median, 3.0);
        assert_eq!(Spread::of_ratios(&[1.0], &[0.0]), None);
    }
}
