/** Every cap in one place, each with its reason. Numbers such as 1.13 are rule ids of the mail rules (MAIL). */
import { DAY, HOUR, MINUTE, SECOND } from './time.ts'

const KB = 1024
const MB = 1024 * KB

/** SMTP and LMTP (1.2, 1.13-1.17). */
export const smtp = {
  message: 50 * MB, // larger than every public provider accepts, small enough to stream in seconds
  reserve: 1024 * MB, // disk that must stay free, or PostgreSQL itself stops
  commandLine: 4096, // 1.13
  dataLine: MB, // real mail exceeds the 998 of RFC 5322
  header: 256 * KB, // 1.13
  recipients: 100, // RFC 5321 4.5.3.1.8 asks for at least 100
  connections: 200,
  connectionsPerAddress: 20,
  connectsPerMinute: 60,
  errors: 100, // a client with 100 refused commands is probing
  idle: 300 * SECOND, // RFC 5321 4.5.3.2.7
  dataMinimum: KB, // bytes per minute of DATA below which a client is a slowloris
  data: 10 * MINUTE,
  session: 30 * MINUTE,
  stop: 30 * SECOND, // 1.21
  commit: 2 * MINUTE, // for the spool to answer: far below the 10 min of RFC 5321 4.5.3.2.6
  received: 50, // 1.19: more hops than any real path
  ownDelivered: 2, // 1.19
} as const

/** IMAP (2.*). */
export const imap = {
  connect: 30 * SECOND,
  command: 120 * SECOND,
  idle: 9 * MINUTE, // below the 29 min of RFC 2177 and the 10 min of most NAT boxes
  silence: 11 * MINUTE,
  poll: 120 * SECOND,
  reconcile: HOUR,
  reconcileWindow: 14 * DAY,
  window: 1000, // UIDs listed at a time
  healthy: 5 * MINUTE,
  backoff: 5 * SECOND,
  backoffCap: 10 * MINUTE,
  authBackoff: [1, 5, 15, 30].map((minutes) => minutes * MINUTE),
  noticeAfter: 15 * MINUTE,
  refreshBefore: 5 * MINUTE,
  refreshAtLeast: 7 * DAY, // 90-day inactivity expiry of refresh tokens
  tokenEndpoint: 30 * SECOND,
  tokenAnswer: 64 * KB,
  lease: 60 * SECOND, // after a killed daemon another one takes the mailbox over within this
  logout: 5 * SECOND,
  chunk: 512 * KB, // of a body, asked for at a time: what a mail of any size costs in memory
  inMemory: MB, // a larger mail is put together in a file
  line: 16 * MB, // one response line: a SEARCH over two million UIDs
  attempts: 5, // connections that may die over one UID before the others go on without it (0.4)
  unfetchableRetry: DAY,
  actionBatch: 1000,
  actionPause: 10 * MINUTE, // after a refused action (2.6)
  structureNodes: 100, // of a mail that stays on the server
  original: 1024 * MB, // of such a mail when a person asks for it (2.12)
  sentPoll: 30 * SECOND, // for answers whose copy is missing in Sent (2.18)
  sentBatch: 20,
  sentFor: 7 * DAY, // a copy is tried; older answers were there before Sent was configured
} as const

/** The parse child (0.4) and what a mail may hold (4.24). */
export const parse = {
  cpu: 30 * SECOND,
  resident: 512 * MB,
  children: 2,
  depth: 20,
  parts: 500,
  headerFields: 1000,
  addresses: 2000,
  text: 10 * MB,
  html: MB, // the sanitiser is near linear below this
  htmlNodes: 50_000,
  htmlDepth: 100,
  htmlLinks: 5000,
  ids: 100, // 6.2: message ids read from In-Reply-To and References
  languageAt: 40, // characters below which a language guess is noise
  header: 256 * KB, // bytes of header block read; the listeners refuse more (1.13)
  headerValue: 64 * KB, // characters of one header value kept and looked at
  wall: 2 * MINUTE, // a child that burns no CPU and never answers, counted from the last byte it was given
  watch: 100, // milliseconds between two looks at /proc
  ahead: 4, // mails that a child is given at once: it does not wait for a busy parent
  patience: 100, // milliseconds of one mail; those behind it then go to another child
  mails: 20_000, // mails after which a child is replaced: what leaks, leaks little; a new one is slow for 500 mails
  recycle: 256 * MB, // resident size after a mail at which a child is replaced
  response: 128 * MB, // a child's answer beyond this is a bug of ours or an attack
  stray: 16 * MB, // bytes outside all parts that are kept to repair missing boundaries (4.17)
  small: 64 * KB, // bytes of a part that may be looked into as text
  carried: 512 * KB, // of a mail's parts that stay in memory, each of a blob's chunk at most; the others become files
  wrapped: 64 * MB, // of a part that is unwrapped in memory (4.19, 4.21)
  wrappings: 10, // parts of one mail that are unwrapped: signed within signed within winmail.dat
  calendar: MB, // characters of a text/calendar part that are looked at
  embeddedHead: 64 * KB, // of an attached mail, to name it by its Subject (4.23)
  filename: 150, // bytes (9.6)
} as const

/** Formatted comments that are done again after the sanitiser changed (9.1). */
export const sanitising = {
  batch: 100, // comments between two renewals of the lease
  lease: HOUR, // longer than a batch of the slowest mails takes
} as const

/** Authentication (5.2). */
export const authenticate = {
  question: 5 * SECOND, // one DNS answer
  all: 20 * SECOND, // of one mail
  signatures: 10, // DKIM signatures checked
  fewSignatures: 3, // of a large mail: each may ask for a hash of its own over all of it
  large: 5 * MB,
  keyBits: 1024, // RFC 8301 3.2
  answers: 5 * MINUTE, // an answer is kept, also "there is no such name"
  failures: 30 * SECOND, // a failure is kept: a dead resolver must not cost every mail 20 s
  cached: 10_000, // questions
  looked: 50, // mails of an account that `check` looks at to name the server in front of it (5.3)
  aliases: 8, // CNAMEs followed in a zone file
  line: MB, // a mail with a longer one is not hashed: the canonical form of a line is built again for each piece of it
} as const

/** Reply extraction (7.14). Steps are counted, not milliseconds, so that a busy machine finds the same as an idle one. */
export const replyText = {
  characters: 256 * KB,
  lines: 5000,
  line: 400, // a longer line is never a header, an attribution or a signature mark
  attribution: 500, // characters of one attribution, over all its lines
  folded: 8, // interleaved answers: a run of more quoted lines is folded (7.3)
  signature: 30, // lines after `-- ` that may still be a signature
  known: 1024 * 1024, // characters of the ticket's earlier mails that are compared
  earlier: 10, // texts of the ticket that a mail is compared with, and of its author's mails elsewhere
  earlierTickets: 5, // of its author, in which those are looked for
  earlierCharacters: 16 * KB, // of each
  footers: 3, // mails of a domain with the same last paragraph make it a footer (7.9)
  footer: 60, // characters that such a paragraph has at least: "Still broken" is no footer
  steps: 2_000_000, // looks at a character or word beyond the first pass: 200 ms at the worst
} as const

/** How mails are written when they are accepted (VERIFIED 3): small ones many to a commit, large ones alone. */
export const spool = {
  small: 256 * KB, // one blob chunk
  batch: 200, // mails a commit
  batchBytes: 8 * MB,
  recent: 8 * MB, // bytes of stored mails held for the worker that comes for them
  flights: 2, // commits under way at most
  late: 50, // milliseconds of one before the next does not wait for it: until then it fills, and a commit serves more
  linger: 8, // milliseconds for as many to come along as came the last time
  large: 3, // mails streamed at a time, each on a connection of the pool
  stall: MINUTE, // a source that gives nothing for so long gives its connection back
  purge: 500, // rows a transaction
} as const

/** `import`: mails from files. */
export const importing = {
  batch: 100, // mails a commit: fewer than spool.batch, so that they stay together
  batchBytes: 4 * MB, // likewise of spool.batchBytes
  look: SECOND, // between two counts of what is settled
  pause: SECOND / 5,
} as const

/** Work on accepted mails (2.15, HOUSE). */
export const pipeline = {
  attempts: 3,
  deaths: 6, // of the daemon over one mail: more than failures, since it may have been killed for another reason
  lease: 2 * MINUTE,
  backoff: 5 * SECOND,
  pause: SECOND / 2, // between two tries to reach a database that is gone
  batch: 64, // mails being read at once in a daemon
  underWay: 160, // with those that are read and wait for their transaction
  group: 48, // mails that share a transaction
  commandsWithin: 20_000, // characters of a text in which a line is looked for that may be a command
  flights: 2, // such transactions at a time at most
  late: 40, // milliseconds of one before the next does not wait for it: until then it fills
  linger: 150, // milliseconds for others that are being read to come along: each transaction costs as much as many mails
  between: 40, // milliseconds from one claim to the next while mails are under way: each is a commit, and serves several
  ahead: 500, // waiting mails that a claim looks at: more than this many in one conversation hold up others
  poll: 5 * SECOND,
} as const

/** What is read of a mail's text to find its ticket (6.1 (5)). */
export const threading = {
  text: 64 * KB, // characters
  proofs: 100, // things that look like ours and are checked, a MAC each
  ancestors: 20, // ids that a mail refers to and that are kept for others to refer to: the newest, and the oldest
} as const

/** People named in a mail (4.27). */
export const people = { participants: 20 } as const

/** Blobs: one row holds one chunk. */
export const blob = { chunk: 256 * KB, copyFrom: MB } as const

/** Machines' reports about mail (4a.1-4a.11). */
export const report = {
  parts: 10, // of a report that are read
  bytes: 64 * KB, // of each
  text: 64 * KB, // characters of the words (4a.4)
  recipients: 100,
  diagnostic: 500, // characters kept of what a server said
  unmatchedPerHour: 50, // reports about nothing of ours: more is somebody else's mail in our name (4a.9)
  agentBounces: 3, // notifications that came back within a day (4a.8)
} as const

/** Senders that are too many mails or too quick (4a.23, 4a.24, 6.15). */
export const storm = {
  window: HOUR,
  perHour: 20,
  perHourStrong: 60,
  same: 5,
  sameWindow: 30 * MINUTE,
  disorder: 5 * MINUTE, // workers take mails that came together in any order
  looked: 200, // latest mails of a sender that are counted: more than any of the limits
  reopens: 3,
  reflexes: 3,
  reflexWithin: 15 * SECOND,
  reflexWindow: 7 * DAY,
} as const

/** Reply addresses that look like ours and are not (5.8). */
export const badAddresses = {
  window: HOUR,
  perHour: 20, // from one client or sender: more than any mail program damages by itself
} as const

/** Automatic mail (4a.22). */
export const budget = {
  perTicket: 1,
  perAddressHour: 3,
  perAddressDay: 10,
  perTicketHour: 5,
  perInboxHour: 2000,
} as const

/** Outgoing mail (8.*). */
export const outgoing = {
  undo: 60 * SECOND,
  retry: [0, 1, 5, 15, 30, 60, 120, 240].map((minutes) => minutes * MINUTE), // then every 4 h
  retryAfter: 4 * HOUR,
  giveUp: 48 * HOUR,
  ackExpires: 4 * HOUR,
  notificationExpires: 12 * HOUR,
  reply: 10 * MINUTE, // wait for the answer to the final dot
  uncertainRetry: 30 * MINUTE,
  perMinute: 30,
  perDomainMinute: 10,
  concurrency: 3,
  starvation: 30 * MINUTE,
  subject: 78, // characters of one that is made of a text (RFC 5322 2.1.1)
  references: 1500, // bytes (8.3)
  referenceIds: 8,
  quote: 20_000, // characters of the customer's last message that an answer repeats (8.14)
  suppression: 90 * DAY,
  softSuppression: 7 * DAY,
  lease: 15 * MINUTE, // of a row whose bytes are going out: longer than the wait for the final answer
  claim: 2 * MINUTE, // of a row before that: a killed daemon's rows go on after it
  poll: 5 * SECOND,
  connect: 30 * SECOND,
  silence: 5 * MINUTE, // of a relay before the final dot (RFC 5321 4.5.3.2)
  idle: 20 * SECOND, // an unused connection to the relay is kept this long
  circuit: [5, 15, 30, 60, 120, 300].map((seconds) => seconds * SECOND), // pauses of a relay in trouble
  throttled: 2 * MINUTE, // pause of a relay that says "too much"
  tellAfter: HOUR, // of deferral of a reply
  answerKept: 500, // characters of a server's words
  stop: 20 * SECOND, // for mails under way when the daemon stops; 1.21 leaves 30 s for all
} as const

/** The daily mail about mails that wait (4a.28). */
export const digest = {
  hour: 7, // of the admin's own day, from which it is written
  mails: 50, // named in it; the others are counted
  subject: 80, // characters
} as const

/** An agent's queue by mail (C14): tickets named in it; the others are counted. */
export const agentDigest = { news: 50, mine: 50, free: 30, back: 7 * DAY } as const // `back`: where there was none before

/** What is kept, and for how long (HOUSE, Kept). */
export const kept = {
  discarded: 30 * DAY,
  held: 30 * DAY,
  outboxBodies: 90 * DAY,
  dedupe: 400 * DAY,
  tokenKeys: 400 * DAY,
} as const

/** Keys that sign reply addresses and Message-IDs (5.8). */
export const tokenKeys = {
  rotate: 365 * DAY,
  settle: DAY, // a new key checks before it signs: every daemon knows it by then
  reload: HOUR,
} as const

/** Tickets (6.12, 6.13). */
export const tickets = {
  reopen: 14 * DAY,
  close: 14 * DAY,
  mergeHops: 10,
  mergeWait: SECOND / 2,
  subject: 255,
  wake: 366 * DAY, // how long a ticket may be put aside
  links: 50, // that an agent makes of one ticket
  field: 200, // characters of a value
} as const

/** The web view. */
export const web = {
  link: 30 * MINUTE,
  printedLink: 24 * HOUR,
  linkWindow: HOUR, // links asked for by mail are counted over this time
  linksPerWindow: 5, // an agent who lost five mails in an hour has another problem
  linkAnswer: 250, // milliseconds: known and unknown addresses are answered alike
  session: 30 * DAY,
  sessionTouch: HOUR, // a use is written down at most this often
  page: 50,
  body: 2 * MB,
  comments: 100, // of a ticket on one page
  shownText: 20_000, // characters of a comment; the rest is a link away
  frameImages: 10 * MB, // inline images put into the frame of a formatted mail
  frameImage: 5 * MB,
  query: 1000, // characters of a search
} as const

/** Queues that keep themselves true while they are open. */
export const live = {
  poll: 2 * SECOND, // a change is to be seen within 5 s, of which the browser needs up to 2.5
  heartbeat: 25 * SECOND, // proxies end what is silent for a minute
  life: 10 * MINUTE, // of a stream: a sign-in that was ended has none for longer
  retry: 3 * SECOND,
  streams: 6, // of a sign-in: browsers open no more connections to one place
} as const

/** Working time (SLA C12, Q4). */
export const hours = {
  horizonDays: 3660,
  cachedCalendars: 256,
  cachedYears: 64, // years built per calendar: a due date needs at most 12
  cachedFormatters: 256, // of Intl: a language and a zone each
  cachedTexts: 256, // due dates in words
  cachedZoneYears: 4096, // offset segments, shared by the calendars of a zone
  shifts: 12, // a day (M3)
} as const

/** Files of holidays that calendars name (iCalendar). */
export const holidays = {
  files: 20, // of one calendar
  bytes: MB, // what is published for ten years of a country is about 100 KB
  events: 5000,
  days: 366, // of one event
  dates: 5000, // each is looked at when a calendar's index is built
  name: 80, // characters that a customer reads in a mail
  problems: 20, // of one file
  firstYear: 2020, // what recurs without end is written out between these two
  lastYear: 2060,
} as const

/** Timesheets and invoices (SLA 14, 15). */
export const timesheets = {
  longest: 86_400, // seconds of an entry (T3)
  timer: 12 * HOUR, // then a forgotten timer stops itself (T2)
  note: 2000, // characters
  page: 100, // entries of a list that are shown at once
  sheetHour: 15, // of an agent's Friday, from which their week is mailed
  versions: 500, // of price lists that a page shows
  export: 100_000, // rows of a file: a year of 50 agents
  entries: 10_000, // of one invoice
} as const

/** Statements of a month (C11). */
export const statements = {
  hour: 8, // of the customer's first working day, from which it is sent
  late: 7, // days after it, on which a desk that was down still sends it by itself
  answer: 2000, // characters of what the customer answered that stand with it
  listed: 24, // months that the page offers
} as const

/** Connections to PostgreSQL; the driver counts in seconds. */
export const database = {
  pool: 10,
  drizzlePool: 4,
  connect: 5,
  reconnect: 0.1,
  end: 1, // the parts that ask have stopped before; the driver waits this long on a session the server cut off
} as const

/** The private PostgreSQL server. */
export const embedded = {
  watch: SECOND, // a dead server is started again within 5 s
  ready: 2 * MINUTE, // recovery after a power cut replays at most a few checkpoints
  stop: 30 * SECOND,
  turn: MINUTE, // to wait for another process that is starting the same server
  log: 10 * MB, // then one older file is kept beside it
  socketPath: 107, // bytes of sun_path (unix(7))
} as const

/** The two YAML files. */
export const yaml = {
  characters: 2 * MB, // a desk of 10,000 organizations with their domains is about 1 MB
  aliases: 100, // beyond this, aliases unfold like a bomb
  problems: 50, // more at once help nobody
} as const

/** Rules that admins write (9.10). */
export const rules = {
  pattern: 1000, // characters of a regular expression
  program: 1000, // instructions it may compile to; time is text times this, measured 1 s at the worst with both
  text: 128 * KB, // characters of a body that conditions look at; 3 ms for an ordinary pattern
  depth: 10, // any/all/not inside one another
  seen: 80, // characters of a value quoted in a trace
} as const

/** Other systems that are called (SLA E1). */
export const hooks = {
  url: 1000,
  patience: 5 * SECOND, // for one call, all of it: a daemon that stops waits for a batch of them
  lease: 2 * MINUTE,
  batch: 20, // that a daemon claims at once
  atOnce: 10,
  waits: [1, 5, 30, 120, 360], // minutes before each further try; after the last one it is given up
  kept: 30 * DAY,
}

/** What a page asks of clocks. */
export const clocks = {
  story: 1000, // events of a ticket that are gone through to tell when its clocks ran
}

/** What reminders may do (SLA E2, E4). */
export const reminders = {
  changes: 5, // that change one ticket in one second: a chain ends there
  tooOld: 24 * HOUR, // notices of what happened longer ago are not sent
  first: 10 * SECOND, // of a start that goes into what fell due meanwhile
}

/** Mail to agents about tickets (8.32). */
export const notifying = {
  every: 2 * MINUTE, // at most one mail a ticket and agent
  tickets: 300, // looked at in one transaction
  mails: 12, // written in one tick of five seconds: a relay takes 30 a minute, and mails that come in go first
  window: 10 * MINUTE,
  flood: 60, // mails to one agent in a window; what goes beyond waits for the digest, and one mail says so
  told: 7 * DAY, // how far somebody was told is kept
  lines: 20, // news named in one mail
  comment: 10_000, // characters of a new comment
  whole: 60_000, // of all of them
  shortened: 600, // of what was said before
} as const

/** Commands in mails (COMMANDS E2, E4, E5.8). */
export const commands = {
  line: 998, // of RFC 5322
  mail: 20, // commands
  batch: 50, // tickets
  stray: 50, // lines below the text that are looked at
  perHour: 120, // mails with commands of one agent: more than a person writes, less than a script gone wild
  customerPerHour: 20, // of one address
  sameError: 10 * MINUTE, // between two receipts to one person for one reason
  list: 50, // tickets that a list names
  history: 50, // events that a history names
  shown: 10_000, // characters of their own text in a receipt
} as const

/** What agents write by mail (5.6, 8.30, COMMANDS E5). */
export const agentMail = {
  again: 10 * MINUTE, // between two mails to one agent for one reason
  nonceFor: DAY,
  sendFor: 14 * DAY, // that `#send` may send what was held
  old: DAY, // a Date that differs more from the arrival needs a confirmation
  signatureImage: 30 * KB, // a smaller image inside the text is a logo
  copied: 40, // characters of a line that a public answer has in common with a note
  shown: 4000, // characters of somebody's text that a mail to an agent repeats
  files: 20 * MB, // of one answer as it leaves, encoded (8.30)
  linkFor: 30 * DAY, // that a file can be fetched by its link
} as const
