//! Random histories of a source and its repository, judged by a naive model in memory.
//!
//! A string of bytes is a history: edits of the source, snapshots with all kinds of options, deletions, restores,
//! checks, interruptions (with `--cfg linkdest_calls` at any kernel call). After each step every snapshot must contain
//! what the model says, in the inodes that it had, and a canary outside, which symlinks everywhere point at, must not
//! have been touched. Used by `tests/histories.rs` and by the fuzz target `histories`.

mod canary;
mod choices;
mod edits;
mod interruption;
mod naive;
mod observe;
mod operations;
mod restoring;
mod world;

use std::path::Path;

use choices::Choices;
pub use choices::of_seed;
use interruption::Interruption;
pub use world::Figures;
use world::World;

/// No history is longer, whatever the bytes.
const MOST_STEPS: usize = 60;

/// Says what led to a panic.
struct Telling {
    world: World,
}

impl Drop for Telling {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the history:\n  {}", self.world.log.join("\n  "));
        }
    }
}

/// Plays a history in a new directory below `place`, and panics if anything is lost.
pub fn play(bytes: &[u8], place: &Path) -> Figures {
    let mut choices = Choices::new(bytes);
    let mut telling = Telling { world: World::new(place) };
    let world = &mut telling.world;
    world.snapshot(&mut Choices::new(&[]), Interruption::Nothing);
    for _ in 0..MOST_STEPS {
        if choices.is_empty() {
            break;
        }
        world.figures.operations += 1;
        step(world, &mut choices);
    }
    finish(world);
    world.figures
}

fn step(world: &mut World, choices: &mut Choices<'_>) {
    match choices.below(32) {
        0..=11 => {
            for _ in 0..1 + choices.below(4) {
                let edit = world.source.edit(choices);
                world.log.extend(edit);
            }
        }
        12..=19 => {
            let disturbed = Interruption::chosen(choices);
            world.snapshot(choices, disturbed);
        }
        20 | 21 => {
            let disturbed = Interruption::chosen(choices);
            world.delete(choices, disturbed);
        }
        22 => {
            let disturbed = Interruption::chosen(choices);
            world.forget(choices, disturbed);
        }
        23 => world.pin(choices),
        24 => world.remove_by_hand(choices),
        25 => {
            let disturbed = Interruption::chosen(choices);
            world.expunge(choices, disturbed);
        }
        26..=28 => {
            let disturbed = Interruption::chosen(choices);
            world.restore(choices, disturbed);
        }
        29 => {
            let disturbed = Interruption::chosen(choices);
            world.verify(disturbed);
        }
        30 => {
            let disturbed = Interruption::chosen(choices);
            world.reindex(choices, disturbed);
        }
        _ => world.plant_in_repository(choices),
    }
}

/// In the end a run succeeds, nothing is damaged, and everything can be had back.
fn finish(world: &mut World) {
    let nothing = &mut Choices::new(&[]);
    world.snapshot(nothing, Interruption::Nothing);
    world.verify(Interruption::Nothing);
    world.restore(nothing, Interruption::Nothing);
}
