/** What `--help` says. */

export const HELP = `Postroom, an email-first helpdesk.

  bin/postroom COMMAND [options]

  serve                      run the desk until stopped (npm start does this)
  check                      configuration, rules, database, mailboxes, relay: a line each
  demo                       send a dozen mails to the running demo desk and show what became of them
  explain PATH...            what would be done with a mail, and why: files, folders, mbox, -, or a stored mail's number
  import PATH...             take mails in from files, folders, mbox or Maildir [--archive] [--to ADDRESS] [--wait]
  tickets [QUERY]            list tickets: words, "phrases", #12, status:open org:acme due:<2d -tag:vip
  ticket N [--replay]        one ticket whole, or its clocks rebuilt from its events and compared
  mails [--state S]          what came in, and what became of it
  mail N [--raw | --retry | --release | --discard | --fetch]
  outbox [--state S] [N --retry | N --cancel]
  report NAME                violations, compliance, agents, teams, organizations or unassessed [--from DATE] [--to DATE] [--zone Z]
  statements [MONTH]         the time that customers were mailed, of all months or of 2026-10, and what they answered
  rules check FILE           is this desk file valid?
  rules test FILE            do its rules pass their own tests?
  vectors FILE...            check calendar and clocks against expected results
  agent add ADDRESS [--name NAME] [--admin]
  login ADDRESS              print a sign-in link (24 hours, once)

Every command takes --config FILE (else POSTROOM_CONFIG, else ./postroom.yml, else the demo desk), --data DIR (else
POSTROOM_DATA, else ./data), --help, and --json where it prints data. Lists take --limit N.
Exit 0 done, 1 refused with words on stderr, 2 wrong usage.`

const MORE: Record<string, string> = {
  serve: `serve: runs the desk. Prints a line for each part when it is ready; logs JSON lines on stderr (POSTROOM_LOG=debug|
info|warn|error). GET /health answers 200 or 503. SIGTERM and Ctrl-C stop it cleanly within 30 seconds.
POSTROOM_SMTP and POSTROOM_WEB (host:port) move the listeners, POSTROOM_RELAY (smtp URL) sends mail instead of
writing .eml files, DATABASE_URL replaces the private PostgreSQL, POSTROOM_SECRET the secret in DATA/secret.key.`,
  explain: `explain PATH...: reads each mail as the desk would and prints who wrote it, what kind of mail it is, which ticket it
belongs to, where it would go, the due dates and how they come, and the reason of each step. Writes nothing. PATH is a
file, a folder, an mbox, a Maildir, - for standard input, or the number of a stored mail (as the desk stands now, with
its own envelope). Options: --json (one object a mail), --to ADDRESS (where mails from files went), --archive (as import
--archive would). Exit 1 when a path could not be read.`,
  import: `import PATH...: takes mails in from files, folders, mbox or Maildir, as if they came now. What was imported before is
passed over, so an import that was broken off is called again. --archive: as history, in closed tickets with their real
dates; nothing is sent, no clock starts. --to ADDRESS: all go to this address of the desk (else Delivered-To, To and Cc
say). --wait: until each is in its final state, also without a running daemon. Exit 1 when one could not be taken.`,
  tickets: `tickets [QUERY]: newest first. A query is words, "phrases", #12, and key:value with status (open is new and open),
org, project, team, assignee (or none), requester, tag, priority (or unassessed), type; due:<2d due within two days,
created:>7d older than a week; - in front negates. Options: --limit N, --json.`,
  mails: `mails: every accepted mail, newest first, in one state: received, processing, then ticketed, commented, recorded,
held, quarantined or discarded, with the reasons. Options: --state S, --limit N, --json.`,
  mail: `mail N: one inbound mail. --raw prints its bytes; --retry works a quarantined one again; --release takes a held one
in as if it had just arrived; --discard gives it up (its bytes are kept 30 days more); --fetch has the next poll bring
the original of a mail that was too large and was left in its mailbox.`,
  outbox: `outbox: outgoing mail, newest first, in state queued, leased, sending, sent, deferred, uncertain, failed,
suppressed or cancelled. outbox N --retry tries now, outbox N --cancel stops what has not left. Options: --state S,
--limit N, --json.`,
  rules: `rules check FILE: every problem of a desk file with line, column and remedy. rules test FILE: runs the tests that
stand beside the rules, a line each. Exit 1 when something is wrong.`,
  report: `report NAME: violations (who broke which promise, when, by how much), compliance (what was met of what ended),
agents, teams, organizations, unassessed (how long until somebody set the priority). --from DATE and --to DATE are
midnights of a zone, the second day is not in it; --zone Europe/Berlin, else the first inbox's. compliance --by metric,
group, organization, policy, priority, type, weekday or hour (of the start). violations --superseded also lists what no
longer counts, with who and why; --limit N the newest. Options: --json (one object a row), --csv. Lengths are
working seconds, a share is basis points, null where nothing ended.`,
  statements: `statements [MONTH]: the statements of time that customers were mailed, newest month first, of all months or of one
(2026-10): empty (there was no time), sent, disputed, approved or reopened. Options: --limit N, --json (one object a
statement with its entries; seconds, and amounts in minor units).`,
  ticket: `ticket N: comments, attachments, clocks and events of one ticket. --replay rebuilds its clocks from its events alone
and compares them with the rows: exit 1 and the differences where they are not identical. Options: --json.`,
  vectors: `vectors FILE...: JSON lines of calendar and clock cases, each run through the engine, clocks through the database in a
transaction that is undone; prints each failure and ends with "N passed, N failed".`,
  check:
    'check: a line for each of configuration, desk and rules, database, mailboxes, relay and notices: ok, or what is wrong and the remedy. Changes nothing. Exit 1 when something is wrong.',
  demo: 'demo: sends a dozen mails of this project through the SMTP listener of the desk that runs, waits until each is settled, and shows what became of them.',
}

/** The help of one command; the whole where there is no more to say. */
export const helpOf = (command: string): string => MORE[command] ?? HELP
