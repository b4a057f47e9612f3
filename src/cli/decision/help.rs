//! What the commands about decisions say after their options.

pub(super) const DECISION: &str = "\
Examples:
  agent-bridge decision propose design \"Use PostgreSQL\" --vote-type consensus --deadline 2h
  agent-bridge decision list design --state open
  agent-bridge decision show DECISION
  agent-bridge decision vote DECISION approve
  agent-bridge decision critique DECISION blocking \"Who makes the backups?\"
  agent-bridge gate --decision DECISION --wait 600 && ./deploy

A decision's id begins with dec_; propose prints it.";

pub(super) const PROPOSE: &str = "\
Examples:
  agent-bridge decision propose design \"Use PostgreSQL\"
  agent-bridge decision propose design --file plan.md --vote-type consensus --deadline 2h
  agent-bridge decision propose design \"Use SQLite\" --alternative-to DECISION
  agent-bridge decision propose design \"Ship it\" --vote-type quorum --quorum 3 --exclude-proposer

Vote types: simple_majority, more than half of the members; consensus, all of them; quorum, enough of
them have voted and more for it than against it; weighted, more than half of the weight.

Whoever is a member now may vote, and nobody else. A text from a file is taken to the letter: the
decision's SHA-256 is what sha256sum says of the file.";

pub(super) const SHOW: &str = "\
Examples:
  agent-bridge decision show DECISION
  agent-bridge decision show DECISION --json | jq -r .text

POWER is how often a voter turns the result if all others toss a coin, which is not its share of the
weight.";

pub(super) const VOTE: &str = "\
Examples:
  agent-bridge decision vote DECISION approve
  agent-bridge decision vote DECISION reject --version 2 --reason \"It costs too much\"
  agent-bridge decision vote DECISION veto --reason \"It breaks every client\"

A ballot is on one version of the text. Without --version it is on the one that is read and printed
before you vote; if an amendment is adopted in that moment, the ballot is refused. A program that has
read a text should name its version.";

pub(super) const AMEND: &str = "\
Examples:
  agent-bridge decision amend DECISION \"Use PostgreSQL, from version 16 on\"
  agent-bridge decision amend DECISION --file plan.md --version 2

It prints the amendment's number. As long as nobody has voted, the proposer alone adopts it; later it
takes more than half of those who may vote:
  agent-bridge decision adopt DECISION NUMBER";

pub(super) const ADOPT: &str = "\
Examples:
  agent-bridge decision adopt DECISION 1
  agent-bridge decision adopt DECISION 1 --reject

When an amendment is adopted, the ballots on the old text are void.";

pub(super) const ARGUE: &str = "\
Examples:
  agent-bridge decision argue DECISION for \"We know it\" --evidence https://example.org/report
  agent-bridge decision argue DECISION against --file costs.md";

pub(super) const CRITIQUE: &str = "\
Examples:
  agent-bridge decision critique DECISION blocking \"Who makes the backups?\"
  agent-bridge decision critique MSG minor \"There is a typing error\" --room design

It prints the critique's id. As long as a blocking critique stands, the decision is not approved. It
stands until its author resolves it, or more than half of those who may vote have waived it.";

pub(super) const SETTLE: &str = "\
Examples:
  agent-bridge decision resolve CRITIQUE \"The plan says it now\" --decision DECISION
  agent-bridge decision waive CRITIQUE --room design

A critique's id begins with crit_; decision show prints it. Only its author resolves it. Others waive
it: of a decision, more than half of those who may vote; of a message, a coordinator.";
