//! What somebody may have meant.

/// Finds the candidate that is most like a word; `None` if none is.
pub(super) fn closest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let word = plain(word);
    // A word as long as a paragraph is like nothing.
    if word.chars().count() > 40 {
        return None;
    }
    let distances = candidates.iter().map(|candidate| (distance(&word, candidate), *candidate));
    let (distance, best) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + best.len() / 4).then_some(best)
}

/// How many characters must be put in, taken out or replaced, or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let (mut before, mut last): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    let mut previous = None;
    for (row, from) in a.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let replaced = at(&last, column) + usize::from(from != *to);
            let mut least = replaced.min(at(&last, column + 1) + 1).min(at(&current, column) + 1);
            let swapped = column > 0 && previous == Some(*to) && b.get(column - 1) == Some(&from);
            if swapped {
                least = least.min(at(&before, column - 1) + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut last, current);
        previous = Some(from);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_a_word_is_found() {
        let keys = ["source", "repository", "keep", "run-before", "run-after", "one-file-system"];
        for (word, found) in [
            ("sorce", Some("source")),
            ("Source", Some("source")),
            ("soucre", Some("source")),
            ("run_before", Some("run-before")),
            ("one-filesystem", Some("one-file-system")),
            ("repo", None),
            ("", None),
            ("colour", None),
            ("xxxxxxxxxx", None),
        ] {
            assert_eq!(closest(word, &keys), found, "{word}");
        }
        assert_eq!(closest(&"a".repeat(1 << 20), &keys), None);
    }

    #[test]
    fn distances_count_edits() {
        for (a, b, edits) in
            [("", "", 0), ("a", "", 1), ("ab", "ba", 1), ("kitten", "sitting", 3), ("ab", "ab", 0)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
