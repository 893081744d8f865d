//! Sizes as people write them.

/// A text is not a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSize {
    /// It is no number with one of the units.
    #[error("not a size like 1000, 500M or 4GB")]
    Syntax,
    /// No file is that large.
    #[error("larger than any file")]
    TooLarge,
}

/// Reads a size in bytes: K, M, G are binary, KB, MB, GB decimal.
///
/// ```
/// use linkdest_core::{InvalidSize, parse_size};
/// assert_eq!((parse_size("4G"), parse_size("2mb")), (Ok(4 << 30), Ok(2_000_000)));
/// assert_eq!(parse_size("much"), Err(InvalidSize::Syntax));
/// ```
///
/// # Errors
/// Anything else, and more than 64 bits hold.
pub fn parse_size(text: &str) -> Result<u64, InvalidSize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit.to_ascii_uppercase().as_str() {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(InvalidSize::Syntax),
    };
    let number: u64 = number.parse().map_err(|_| InvalidSize::Syntax)?;
    number.checked_mul(unit).ok_or(InvalidSize::TooLarge)
}
