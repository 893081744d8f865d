//! What `-C` leaves out.

use super::clause::Clause;
use super::files::RuleFiles;
use super::loader::{Loader, Opened, Surroundings};
use super::origin::Origin;
use super::pattern::Anchor;
use super::rule::{Rule, RuleKind};
use super::style::{Form, Style};
use super::syntax::{Modifiers, Sign};

/// The names that CVS ignores, and those of later version control systems.
const BUILT_IN: &[u8] =
    b"RCS SCCS CVS CVS.adm RCSLOG cvslog.* tags TAGS .make.state .nse_depinfo *~ #* .#* ,* _$* *$ \
    *.old *.bak *.BAK *.orig *.rej .del-* *.a *.olb *.o *.obj *.so *.exe *.Z *.elc *.ln core \
    .svn/ .git/ .hg/ .bzr/";

/// Nothing but words is read, so nothing of this is asked for.
struct Nothing;

impl Surroundings for Nothing {
    fn open(&self, _: &[u8]) -> Opened {
        Opened { path: "".into(), content: Ok(Vec::new()), secret: false }
    }

    fn is_declared(&self, _: &[u8]) -> bool {
        false
    }

    fn cvs_rules(&self, _: RuleKind, _: Modifiers) -> Vec<Rule> {
        Vec::new()
    }

    fn merged_anchor(&self) -> Anchor {
        Anchor::Home
    }

    fn is_of_entered(&self) -> bool {
        false
    }

    fn budget(&self) -> usize {
        usize::MAX
    }
}

/// The list as rules.
///
/// The first `-C` rule of all fixes what they do: a later one puts in the same rules, whatever its own sign and
/// modifiers are. So it is with rsync, where the first one is the first met in the walk; here one in a per-directory
/// file fixes nothing for the others.
#[derive(Debug, Clone, Default)]
pub(super) struct CvsRules {
    pub(super) rules: Vec<Rule>,
    pub(super) first: Option<(RuleKind, Modifiers)>,
}

impl CvsRules {
    pub(super) fn of_kind(&self, kind: RuleKind, modifiers: Modifiers) -> Vec<Rule> {
        let (kind, modifiers) = self.first.unwrap_or((kind, modifiers));
        let rules = self.rules.iter();
        rules
            .map(|rule| Rule::new(kind, modifiers, rule.pattern(), Anchor::Home, rule.origin().clone()))
            .collect()
    }
}

/// The built-in list, the user's file and the variable; a word `!` clears what came before it.
pub(super) fn rules(files: &dyn RuleFiles) -> Vec<Rule> {
    let mut loader = Loader::new(&Nothing, false);
    let style = Style { words: true, cvs: true, ..Style::plain(Form::Bare(Sign::Exclude)) };
    let texts = [
        ("the built-in CVS list", BUILT_IN.to_vec()),
        ("~/.cvsignore", files.home_cvsignore().unwrap_or_default()),
        ("$CVSIGNORE", files.cvsignore_variable().unwrap_or_default()),
    ];
    for (name, text) in texts {
        let origin = Origin::other(name);
        for piece in super::lines::pieces(&text, super::lines::Cut::Words) {
            // Bare words cannot be wrong.
            let _: Result<(), _> = loader.rule(piece.text, &style, &origin, piece.column);
        }
    }
    let rule = |clause| match clause {
        Clause::Rule(rule) => Some(rule),
        Clause::PerDirectory(_) => None,
    };
    loader.clauses.into_iter().filter_map(rule).collect()
}
