/**
 * A desk that has worked for a while, made by SQL: each ticket with its mail, two further comments, events, clocks,
 * ids, acknowledgement and attempt, one in ten with a file; a contact for every four. It knows the tables as they are
 * and goes round every verb, because 100,000 tickets by mail would take longer than the bench may.
 */
import type { Sql } from '../src/database.ts'

/** Nine of ten are closed, as in life: the partial indexes of the open ones stay small. */
export async function fillDesk(sql: Sql, tickets: number): Promise<void> {
  for (const [name, text] of Object.entries(STATEMENTS)) {
    await sql.unsafe(text.replaceAll(':tickets', String(tickets))).catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`)
    })
  }
  for (const table of ['contacts', 'tickets', 'comments', 'outbox'])
    await sql.unsafe(`select setval(pg_get_serial_sequence('${table}', 'id'), (select max(id) from ${table}))`)
  await sql.unsafe('vacuum analyze')
}

const WHEN = `now() - interval '400 days' + n * (interval '399 days' / :tickets)`
const WORDS = `repeat('the printer on our second floor has stopped again ', 10) || n`

const STATEMENTS: Record<string, string> = {
  contacts: `
    insert into contacts (id, name, organization_id, created_at) overriding system value
    select n, 'Person ' || n, (select min(id) from organizations) + n % 50, ${WHEN} from generate_series(1, :tickets / 4) n`,
  contact_addresses: `
    insert into contact_addresses (address, contact_id)
    select 'old' || n || '@org' || lpad((n % 50)::text, 2, '0') || '.example', n from generate_series(1, :tickets / 4) n`,
  tickets: `
    insert into tickets (id, subject, base_subject, status, inbox_id, project_id, organization_id, team_id, requester_id,
      requester_address, requester_name, policy_id, policy_source, calendar_id, created_at, updated_at, resolved_at, closed_at, next_due_at)
    overriding system value
    select n, 'Printer ' || n, 'printer ' || n, case when n % 10 = 0 then 'open' else 'closed' end,
      (select min(id) from inboxes), (select min(id) from projects) + n % 50, c.organization_id, (select min(id) from teams),
      c.id, a.address, c.name, (select min(id) from sla_policies), 'org',
      (select min(id) from calendars), ${WHEN}, ${WHEN},
      case when n % 10 > 0 then ${WHEN} end, case when n % 10 > 0 then ${WHEN} end, ${WHEN} + interval '2 days'
    from generate_series(1, :tickets) n
    join contacts c on c.id = 1 + n % (:tickets / 4) join contact_addresses a on a.contact_id = c.id`,
  comments: `
    insert into comments (ticket_id, at, author_role, contact_id, author_name, author_address, visibility, channel, text,
      visible, html, message_id)
    select t.id, t.created_at, case when k = 2 then 'agent' else 'contact' end, t.requester_id, t.requester_name,
      t.requester_address, 'public', 'mail', ${WORDS}, ${WORDS}, '<p>' || ${WORDS} || '</p>', 'in.' || t.id || '.' || k || '@mail.example'
    from tickets t, generate_series(1, 3) k, lateral (select t.id as n) x`,
  message_ids: `
    insert into message_ids (message_id, ticket_id, comment_id, direction, people, base_subject, at)
    select c.message_id, c.ticket_id, c.id, case when c.author_role = 'agent' then 'out' else 'in' end,
      array[c.author_address, 'support@desk.example'], 'printer ' || c.ticket_id, c.at from comments c
    union all
    select 'ack.' || t.id || '@desk.example', t.id, null, 'out', '{}', null, t.created_at from tickets t`,
  events: `
    insert into events (ticket_id, seq, at, type, actor, actor_id, actor_name, data)
    select t.id, k, t.created_at, (array['created', 'agent_reply', 'customer_comment', 'status'])[k], 'contact',
      t.requester_id, t.requester_name, '{"comment": 1}' from tickets t, generate_series(1, 4) k`,
  sla_clocks: `
    insert into sla_clocks (ticket_id, metric, state, policy_id, calendar_id, target_s, started_at, running_since, due_at)
    select t.id, metric, case when t.status = 'open' then 'running' else 'stopped' end, t.policy_id,
      (select min(id) from calendars), 14400, t.created_at, case when t.status = 'open' then t.created_at end,
      case when t.status = 'open' then t.next_due_at end
    from tickets t, unnest(array['first_response', 'resolution']) metric`,
  outbox: `
    insert into outbox (kind, priority, ticket_id, message_id, date_at, envelope_from, recipient, headers, subject, text, html,
      state, next_try_at, tries, expires_at, created_at, settled_at)
    select 'ack', 1, t.id, 'ack.' || t.id || '@desk.example', t.created_at, 'support+b@desk.example', t.requester_address,
      '[["From", [{"name": "Desk", "address": "support@desk.example"}]]]', t.subject, ${WORDS}, ${WORDS}, 'sent',
      t.created_at, 1, t.created_at, t.created_at, t.created_at from tickets t, lateral (select t.id as n) x`,
  delivery_attempts: `
    insert into delivery_attempts (outbox_id, at, phase, code, words, ok)
    select id, created_at, 'answer', 250, 'written', true from outbox where kind = 'ack'`,
  mail_budgets: `
    insert into mail_budgets (scope, period, count) select 'ticket/' || id || '/ack', 'epoch', 1 from tickets`,
  blobs: `
    insert into blobs (sha256, bytes) select sha256(('mail ' || n)::bytea), 600 from generate_series(1, :tickets * 2) n`,
  blob_chunks: `
    insert into blob_chunks (blob_id, n, data)
    select b.id, 0, convert_to(repeat('mail ', 120), 'utf8') from blobs b where b.bytes = 600`,
  attachments: `
    insert into attachments (ticket_id, comment_id, blob_id, filename, type, size)
    select ticket_id, c.id, (select min(id) from blobs) + c.id % :tickets, 'report.pdf', 'application/pdf', 600
    from comments c where c.id % 10 = 0`,
  inbound_mails: `
    insert into inbound_mails (received_at, due_at, via, listener, envelope_from, recipients, session, prefix, blob_id, bytes,
      state, ids, message_id, from_address, subject, kind, dedupe_key, likeness, ticket_id, comment_id, reasons, trace,
      attempts, started_at, settled_at)
    select c.at, c.at, 'mx', '127.0.0.1:25', c.author_address, '[{"address": "support@desk.example", "inbox": "support"}]',
      '{"ip": "192.0.2.7", "helo": "client.example"}', 'Received: from client.example', b.id, 600,
      case when c.n = 1 then 'ticketed' else 'commented' end, array[('x' || substr(md5(c.message_id), 1, 12))::bit(48)::bigint],
      c.message_id, c.author_address, 'Printer ' || c.ticket_id, 'human', sha256(convert_to(c.message_id, 'utf8')),
      '{"from": "x", "date": "y", "subject": "z", "body": "b", "bare": "c", "list": false}', c.ticket_id, c.id,
      '[{"code": "new_ticket", "words": "nothing in it names a ticket"}]', '{"author": {}, "plan": []}', 1, c.at, c.at
    from (select *, row_number() over (partition by ticket_id order by id) as n from comments where author_role = 'contact') c
    join (select id, row_number() over (order by id) as n from blobs where bytes = 600) b on b.n = 1 + c.id % (:tickets * 2)`,
}
