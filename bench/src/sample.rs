//! What was measured several times.

/// The values of one thing, in the order in which they were measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// Adds a value.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many there are.
    pub fn runs(&self) -> usize {
        self.0.len()
    }

    /// The one in the middle; `None` of nothing.
    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// The one that 99 of 100 do not exceed: of fewer than 100, the greatest.
    pub fn p99(&self) -> Option<f64> {
        self.quantile(0.99)
    }

    /// The greatest.
    pub fn greatest(&self) -> Option<f64> {
        self.quantile(1.0)
    }

    /// How many of the values are greater than zero.
    pub fn above_zero(&self) -> usize {
        self.0.iter().filter(|value| **value > 0.0).count()
    }

    /// By the nearest rank: always a value that was measured.
    fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied()
    }
}

impl FromIterator<f64> for Sample {
    fn from_iter<Values: IntoIterator<Item = f64>>(values: Values) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let sample: Sample = (1..=200).rev().map(f64::from).collect();
        assert_eq!(sample.median(), Some(100.0));
        assert_eq!(sample.p99(), Some(198.0));
        assert_eq!(sample.greatest(), Some(200.0));
    }

    #[test]
    fn of_few_the_greatest_is_the_99th_percentile() {
        let sample: Sample = [3.0, 1.0, 2.0].into_iter().collect();
        assert_eq!((sample.median(), sample.p99()), (Some(2.0), Some(3.0)));
        assert_eq!(Sample::default().median(), None);
    }
}
