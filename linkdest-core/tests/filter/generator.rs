//! Random trees and random rules that have something to do with each other.

/// Numbers from a seed, the same everywhere (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub fn within(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True in so many of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub fn text(&mut self, alphabet: &[u8], low: usize, high: usize) -> Vec<u8> {
        (0..self.within(low, high)).map(|_| *self.pick(alphabet)).collect()
    }
}

/// What names a tree is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    /// Letters and dots.
    Plain,
    /// Characters that mean something in patterns, and bytes that are not UTF-8.
    Odd,
}

const PLAIN: [&str; 14] =
    ["a", "b", "c", "ab", "abc", "foo", "foo.c", "foo.o", "bar", "a.o", ".x", "ba", "src", "x.bak"];
const ODD_BYTES: &[u8] = b"ab[]!^-\\*?:. #_~\xe9";

pub struct Tree {
    pub names: Names,
    /// Paths below the source, directories with a slash.
    pub paths: Vec<Vec<u8>>,
    /// Which of them are symbolic links to directories.
    pub links: Vec<Vec<u8>>,
}

impl Tree {
    pub fn random(random: &mut Random, names: Names) -> Self {
        let mut directories = vec![Vec::new()];
        let mut paths: Vec<Vec<u8>> = Vec::new();
        for _ in 0..random.within(12, 30) {
            let from = directories.len().saturating_sub(8);
            let parent: Vec<u8> = random.pick(&directories[from..]).clone();
            let path = [parent, name(random, names)].concat();
            let directory = [&path[..], b"/"].concat();
            if paths.contains(&path) || paths.contains(&directory) {
                continue;
            }
            if random.chance(45) && path.iter().filter(|&&byte| byte == b'/').count() < 4 {
                directories.push(directory.clone());
                paths.push(directory);
            } else {
                paths.push(path);
            }
        }
        let files = paths.iter().filter(|path| !path.ends_with(b"/"));
        let links = files.filter(|_| random.chance(8)).cloned().collect();
        Self { names, paths, links }
    }

    /// Many names that use the characters with a meaning, in directories and not.
    pub fn of_odd_names() -> Self {
        let alphabet = b"ab[]!^-\\*?:.";
        let ones = alphabet.iter().map(|&byte| vec![byte]);
        let twos = alphabet.iter().flat_map(|&one| alphabet.iter().map(move |&two| vec![one, two]));
        let names: Vec<_> = ones.chain(twos).filter(|name| name != b"." && name != b"..").collect();
        let mut paths = Vec::new();
        for directory in ["", "x/", "x/ab-/", "[a]/", "\\/"] {
            paths.extend(names.iter().map(|name| [directory.as_bytes(), name].concat()));
        }
        paths.retain(|path| path != b"\\");
        paths.extend(names.iter().map(|name| [b"y/", &name[..], b"/"].concat()));
        paths.extend([b"x/".to_vec(), b"x/ab-/".to_vec(), b"[a]/".to_vec(), b"\\/".to_vec(), b"y/".to_vec()]);
        Self { names: Names::Odd, paths, links: Vec::new() }
    }

    pub fn directories(&self) -> Vec<Vec<u8>> {
        let mut all: Vec<_> = self.paths.iter().filter(|path| path.ends_with(b"/")).cloned().collect();
        all.push(Vec::new());
        all
    }
}

fn name(random: &mut Random, names: Names) -> Vec<u8> {
    if names == Names::Plain || random.chance(30) {
        return random.pick(&PLAIN).as_bytes().to_vec();
    }
    loop {
        let name = random.text(ODD_BYTES, 1, 3);
        if name != b"." && name != b".." {
            return name;
        }
    }
}
