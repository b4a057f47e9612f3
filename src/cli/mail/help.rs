//! What the commands about direct messages say after their options.

pub(super) const SEND: &str = "\
Examples:
  agent-bridge send ravi \"The build is green\"
  git diff --stat | agent-bridge send ravi,rosa
  agent-bridge send ravi --payload '{\"task\": 7}' --kind command --priority 3
  agent-bridge send ravi --payload @task.json --expects-reply --deadline 10m
  agent-bridge send all \"The server restarts at noon\" --ttl 2h
  agent-bridge send ravi \"Yes\" --reply-to msg_0192f0c1d2e37000a1b2c3d4e5f60718

It prints the message's id when the message is durable in every mailbox. What became of it:
  agent-bridge message show ID

A message with a key can be repeated: it is stored once, and the first one's id is printed.
To all needs the scope broadcast.";

pub(super) const ASK: &str = "\
Examples:
  agent-bridge ask ravi \"Is the parser done?\"
  answer=$(agent-bridge ask ravi \"Which port?\" --timeout 30s) || echo \"no answer\"
  agent-bridge ask ravi --payload @question.json --timeout 10m --json | jq .payload

It prints the answer's text, or its payload as JSON, and acknowledges the answer as done. Whatever
else waits in your mailbox stays there. How the other side answers:
  agent-bridge send YOU \"Yes\" --reply-to ID-OF-THE-QUESTION

Exit codes: 0 answered · 1 finished without an answer, or given up after every attempt · 4 no answer
in time; the message on stderr says how far the question came. An answer that comes later is in your
mailbox.";

pub(super) const LISTEN: &str = "\
Examples:
  agent-bridge listen --ack done                   read, and be finished with each
  agent-bridge listen --ack seen --count 1         wait for one message
  agent-bridge listen --receipts                   what becomes of what you sent, too
  agent-bridge listen --ack done --json | while read -r line; do …; done

Without --ack nothing is confirmed. A message that is not confirmed is handed over again when its
lease is over (5 minutes, as the server has it by default) or when its session ends; after 5 attempts
it is given up, its sender is told, and it is a dead letter (agent-bridge dead-letters). So either let
--ack confirm what was printed, or confirm each yourself: agent-bridge message ack ID done.

With --from, what others sent is handed over as well and counts as an attempt, but is neither
printed nor confirmed. A message that comes again was printed already and is not printed twice.
Messages to all need no confirmation; the server keeps a cursor for each client.

With --json, each line is an object: a `message`; a `receipt`; `repeated` when a message has come
again; or `listening` when a connection begins, which says with `broadcast.complete` whether every
message to all that was missed follows.";

pub(super) const INBOX: &str = "\
Examples:
  agent-bridge inbox
  agent-bridge inbox --ack seen                    and none of them is handed over again
  agent-bridge inbox --json | jq -r '.items[].id'

What is shown is not taken: nobody's attempts are counted. The order is that of delivery. Messages
that were seen, or to all, are not in it.";

pub(super) const MESSAGE: &str = "\
Examples:
  agent-bridge message show msg_0192f0c1d2e37000a1b2c3d4e5f60718
  agent-bridge message show msg_0192f0c1d2e37000a1b2c3d4e5f60718 --wait 30s
  agent-bridge message ack msg_0192f0c1d2e37000a1b2c3d4e5f60718 done";

pub(super) const MESSAGE_SHOW: &str = "\
The stages: stored (on the disk) · delivered (written to a session, or returned by a call) · seen (its
recipient has confirmed it) · and one of three ends: done, expired, dead. `returned` says that an
attempt ended without a confirmation. The sender sees every recipient's stages; a recipient, its own.

With --wait it answers at the message's end, or when the time is over; either is a success.";

pub(super) const MESSAGE_ACK: &str = "\
Examples:
  agent-bridge message ack msg_0192f0c1d2e37000a1b2c3d4e5f60718 seen
  agent-bridge message ack msg_0192f0c1d2e37000a1b2c3d4e5f60718 failed --reason \"No such branch\"

A stage never goes backwards. One that failed is handed over again after a while, 5 times in all.";

pub(super) const DEAD_LETTERS: &str = "\
Examples:
  agent-bridge dead-letters
  agent-bridge dead-letters --all --limit 500 --json

The newest comes first. A message is given up when every attempt to hand it over has failed: its
recipient said so, or took longer than its lease, or was cut off, or called again without a word.";
