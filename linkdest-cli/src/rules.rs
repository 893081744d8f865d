//! The options that say which entries take part: rsync's own, in the order given, and a few more.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use linkdest_core::filter::{Filter, FilterBuilder};
use linkdest_core::{Filtering, LocalRuleFiles};

use crate::failure::Failure;

/// The heading of these options in every help text.
pub const HEADING: &str = "Which entries take part";

/// The options as they are typed and explained; their order is lost here.
#[derive(Debug, Clone, Args)]
struct Typed {
    /// Reads rules from FILE; the same as --filter='merge FILE'
    ///
    /// One rule a line, in rsync's filter language; the first rule that matches a path decides. All rule options count
    /// in the order given. `-` is standard input.
    #[arg(long, value_name = "FILE")]
    rules: Vec<OsString>,
    /// Adds a rule, e.g. '- *.o', '+ /docs/***', ': .rules'
    #[arg(short, long, value_name = "RULE", allow_hyphen_values = true)]
    filter: Vec<OsString>,
    /// Leaves out what matches PATTERN
    ///
    /// `*` is any part of a name, `**` any part of a path; a leading `/` means SOURCE itself, a final `/` only
    /// directories.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    exclude: Vec<OsString>,
    /// Keeps what matches PATTERN, whatever later rules say
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    include: Vec<OsString>,
    /// Leaves out what matches a pattern in FILE, one a line
    #[arg(long, value_name = "FILE")]
    exclude_from: Vec<OsString>,
    /// Keeps what matches a pattern in FILE, one a line
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    include_from: Vec<OsString>,
    /// Reads the rules in each directory's .rsync-filter; -FF leaves these files out
    #[arg(short = 'F', action = ArgAction::Append, num_args = 0, default_missing_value = "true")]
    per_directory: Vec<bool>,
    /// Leaves out what CVS would: object files, backups, .git/ ...
    ///
    /// Also what $HOME/.cvsignore, $CVSIGNORE and each directory's .cvsignore name. Comes after all other rules.
    #[arg(short = 'C', long, overrides_with = "cvs_exclude", hide_short_help = true)]
    cvs_exclude: bool,
    /// Ends lines at NUL bytes in rule files named after it
    #[arg(short = '0', long, action = ArgAction::Append, num_args = 0, default_missing_value = "true", hide_short_help = true)]
    from0: Vec<bool>,
    /// Leaves out directories in which nothing takes part
    #[arg(short = 'm', long, overrides_with = "prune_empty_dirs", hide_short_help = true)]
    prune_empty_dirs: bool,
    /// Leaves out what is in directories with a CACHEDIR.TAG, but the tag
    #[arg(long, overrides_with = "exclude_caches")]
    exclude_caches: bool,
    /// Leaves out what is in directories with an entry NAME, but that; repeatable
    #[arg(long, value_name = "NAME", value_parser = name(), hide_short_help = true)]
    exclude_if_present: Vec<OsString>,
    /// Leaves out files larger than SIZE, e.g. 500M, 4G
    ///
    /// K, M and G are powers of 1024, KB, MB and GB of 1000.
    #[arg(long, value_name = "SIZE", value_parser = size, overrides_with = "exclude_larger_than")]
    exclude_larger_than: Option<u64>,
    /// Sets what an error in a rule file in SOURCE does
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        overrides_with = "on_bad_rules",
        hide_short_help = true
    )]
    on_bad_rules: OnBadRules,
}

/// What an error in a rule file in the source does. The operator's own rules have to be right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum OnBadRules {
    /// It ends the run before anything is published
    #[default]
    Fail,
    /// The file counts as absent, and that is a problem
    IgnoreFile,
}

type Apply = fn(FilterBuilder, &OsStr) -> FilterBuilder;

/// The options with a value whose order matters.
const WITH_VALUE: [(&str, Apply); 6] = [
    ("rules", |builder, file| builder.rules_file(file)),
    ("filter", |builder, rule| builder.rule(rule.as_bytes())),
    ("exclude", |builder, pattern| builder.exclude(pattern.as_bytes())),
    ("include", |builder, pattern| builder.include(pattern.as_bytes())),
    ("exclude_from", |builder, file| builder.exclude_from(file)),
    ("include_from", |builder, file| builder.include_from(file)),
];

/// The options without a value whose order matters.
const WITHOUT_VALUE: [(&str, Apply); 2] =
    [("per_directory", |builder, _| builder.per_directory_f(1)), ("from0", |builder, _| builder.from0())];

/// An option that adds rules.
#[derive(Debug, Clone)]
struct Given {
    /// Where on the command line it stood.
    index: usize,
    apply: Apply,
    value: OsString,
}

/// Which entries take part.
#[derive(Debug, Clone)]
pub struct Rules {
    typed: Typed,
    /// In the order given.
    given: Vec<Given>,
}

impl FromArgMatches for Rules {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let indices = |id| matches.indices_of(id).into_iter().flatten();
        let with_value = WITH_VALUE.into_iter().flat_map(|(id, apply)| {
            let values = matches.get_many::<OsString>(id).into_iter().flatten().cloned();
            indices(id).zip(values).map(move |(index, value)| Given { index, apply, value })
        });
        let without_value = WITHOUT_VALUE.into_iter().flat_map(|(id, apply)| {
            indices(id).map(move |index| Given { index, apply, value: OsString::new() })
        });
        let mut given: Vec<_> = with_value.chain(without_value).collect();
        given.sort_by_key(|given| given.index);
        Ok(Self { typed: Typed::from_arg_matches(matches)?, given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Rules {
    fn augment_args(command: Command) -> Command {
        Typed::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Typed::augment_args_for_update(command)
    }
}

impl Rules {
    /// Says whether no option adds a rule.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && !self.typed.cvs_exclude
    }

    /// Reads the rules, without what rsync has no rules for.
    pub fn filter(&self) -> Result<Filter, Failure> {
        let mut builder = self
            .given
            .iter()
            .fold(FilterBuilder::new(), |builder, given| (given.apply)(builder, &given.value));
        if self.typed.cvs_exclude {
            builder = builder.cvs_exclude();
        }
        builder.build(&LocalRuleFiles).map_err(|error| linkdest_core::Error::from(error).into())
    }

    /// Reads the rules, and takes all that is asked for.
    pub fn filtering(&self) -> Result<Filtering, Failure> {
        Ok(if self.is_empty() { self.all(Filtering::new()) } else { self.all(self.filter()?.into()) })
    }

    fn all(&self, rules: Filtering) -> Filtering {
        let typed = &self.typed;
        let filtering = typed.exclude_if_present.iter().fold(rules, Filtering::exclude_if_present);
        let filtering = filtering
            .ignore_bad_rules(typed.on_bad_rules == OnBadRules::IgnoreFile)
            .prune_empty_dirs(typed.prune_empty_dirs)
            .exclude_caches(typed.exclude_caches);
        match typed.exclude_larger_than {
            Some(bytes) => filtering.exclude_larger_than(bytes),
            None => filtering,
        }
    }
}

/// Takes the name of an entry.
fn name() -> impl TypedValueParser<Value = OsString> {
    OsStringValueParser::new().try_map(|name| {
        let usable = !matches!(name.as_bytes(), b"" | b"." | b"..") && !name.as_bytes().contains(&b'/');
        if usable { Ok(name) } else { Err("not the name of an entry in a directory") }
    })
}

/// Reads a size: K, M, G are binary, KB, MB, GB decimal.
pub fn size(text: &str) -> Result<u64, String> {
    linkdest_core::parse_size(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command, FilterCommand};
    use clap::Parser as _;

    fn rules(typed: &[&str]) -> String {
        let words = ["linkdest", "filter", "check"].iter().chain(typed);
        let Command::Filter(filter) = Cli::try_parse_from(words).unwrap().command else { panic!() };
        let FilterCommand::Check(check) = filter.command else { panic!() };
        check.rules.filter().unwrap().to_string()
    }

    #[test]
    fn options_count_in_the_order_given() {
        for (typed, expected) in [
            (&["--include", "a", "--exclude", "b", "-f", "+ c"][..], "+ a\n- b\n+ c\n"),
            (&["-f", "+ c", "--exclude=b", "--include", "a"], "+ c\n- b\n+ a\n"),
            (&["--exclude=1", "--include=2", "--exclude=3", "src", "--include=4"], "- 1\n+ 2\n- 3\n+ 4\n"),
            (&["--exclude", "- x", "-f", "- *", "--include", "-y"], "- x\n- *\n+ -y\n"),
            (&["-F", "--exclude=a", "-F"], ": /.rsync-filter\n- a\n- .rsync-filter\n"),
            (&["--exclude=a", "-FF", "--exclude=b"], "- a\n: /.rsync-filter\n- .rsync-filter\n- b\n"),
            (&["--exclude=a", "-mF", "-mF0"], "- a\n: /.rsync-filter\n- .rsync-filter\n"),
            (&["-0", "--from0", "--exclude="], ""),
        ] {
            assert_eq!(rules(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn sizes_are_binary_or_decimal() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("1K", Some(1 << 10)),
            ("3m", Some(3 << 20)),
            ("4G", Some(4 << 30)),
            ("1KB", Some(1_000)),
            ("2MB", Some(2_000_000)),
            ("5gb", Some(5_000_000_000)),
            ("17179869183G", Some(17_179_869_183 << 30)),
        ]
        .into_iter()
        .chain(
            ["", "K", "-1", "+1", "1.5M", "1 K", "1Ki", "1é", "17179869184G", "9".repeat(30).as_str()]
                .map(|text| (text, None)),
        ) {
            assert_eq!(size(text).ok(), bytes, "{text:?}");
        }
    }
}
