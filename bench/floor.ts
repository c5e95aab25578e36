/**
 * The floor that throughput is measured against: smtp-server, mailparser's simpleParser, and one bare insert of the
 * same bytes for each mail, before its 250. No tickets, no rules, no answer. Its first line says the port.
 */
import { simpleParser } from 'mailparser'
import postgres from 'postgres'
import { SMTPServer } from 'smtp-server'

const sql = postgres({ path: process.env.FLOOR_SOCKET!, user: process.env.FLOOR_USER!, database: 'floor', max: 10 })
await sql`create table if not exists mails (
  id bigint primary key generated always as identity, sender text, subject text, raw bytea not null)`

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, callback) {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      store(Buffer.concat(chunks)).then(
        () => callback(),
        (error) => callback(error),
      )
    })
  },
})

async function store(raw: Buffer): Promise<void> {
  const mail = await simpleParser(raw)
  await sql`insert into mails (sender, subject, raw) values (${mail.from?.text ?? ''}, ${mail.subject ?? ''}, ${raw})`
}

server.listen(0, '127.0.0.1', () => {
  const place = server.server.address() as { port: number }
  process.stdin.once('data', () => process.stdout.write(`${JSON.stringify({ port: place.port })}\n`))
})
