//! Which names share one inode.

use std::collections::HashMap;

use crate::attributes::Attributes;
use crate::descent::Identity;
use crate::difference::{Aspect, Difference, escaped};

/// Every name that has a second one on either side, with its inode on both sides.
#[derive(Default)]
pub(crate) struct LinkGroups {
    names: Vec<(Vec<u8>, [Option<Identity>; 2])>,
}

/// For each name the first name of the same inode, and how many there are.
struct Side {
    first: Vec<usize>,
    count: Vec<usize>,
}

impl LinkGroups {
    /// Records an entry that exists on both sides, when it has several names on either.
    pub(crate) fn record(&mut self, path: Vec<u8>, left: &Attributes, right: &Attributes) {
        let identities =
            [left, right].map(|attributes| (attributes.nlink > 1).then(|| attributes.identity()));
        if identities.iter().any(Option::is_some) {
            self.names.push((path, identities));
        }
    }

    /// Returns a difference for each name that has other company on the right than on the left.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        let [left, right] = [0, 1].map(|side| self.side(side));
        (0..self.names.len())
            .filter(|&index| left.first[index] != right.first[index])
            .map(|index| Difference {
                path: self.names[index].0.clone(),
                aspect: Aspect::Links,
                left: self.company(&left, index),
                right: self.company(&right, index),
            })
            .collect()
    }

    fn side(&self, side: usize) -> Side {
        let mut first_of: HashMap<Identity, usize> = HashMap::new();
        let mut found = Side { first: Vec::new(), count: vec![0; self.names.len()] };
        for (index, (_, identities)) in self.names.iter().enumerate() {
            let first = identities[side].map_or(index, |identity| *first_of.entry(identity).or_insert(index));
            found.first.push(first);
            found.count[first] += 1;
        }
        found
    }

    fn company(&self, side: &Side, index: usize) -> String {
        let first = side.first[index];
        match side.count[first] {
            1 => "not linked within the tree".to_owned(),
            count if first == index => format!("first of {count} linked names"),
            _ => format!("linked with {}", escaped(&self.names[first].0)),
        }
    }
}
