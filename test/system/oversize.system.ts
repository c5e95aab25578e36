/** Mails beyond the size limit (MAIL 2.12): a ticket at once, the original when somebody asks for it. */
import { createHash } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readBlob } from '../../src/blobs.ts'
import { requestOriginal } from '../../src/mail/spool.ts'
import { startDesk } from '../desk.ts'
import { mailboxAt, rawMail, startPollers, until } from '../mail/imap-poller.ts'
import { missingDovecot, startDovecot } from './dovecot.ts'

const why = missingDovecot()
if (why) {
  if (process.env.CI === 'true') throw new Error(why)
  console.log(`SKIPPED oversize: ${why}`)
  test('skipped', () => {})
  test.run()
} else {
  await run()
}

async function run() {
  const desk = await startDesk({ now: new Date() })
  const { sql } = desk
  const dovecot = await startDovecot()
  const pollers = startPollers(sql)
  const LIMIT = 100_000

  const follow = async (user: string, changes = {}) => {
    const poller = pollers.start(mailboxAt(dovecot.port, { name: user, user, ...changes }), { message: LIMIT })
    await poller.pollNow()
    return poller
  }
  /** 3 MB, more than stays in memory. */
  const huge = (name: string) => {
    const head = rawMail(name).replace('\r\n\r\n', '\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n')
    const parts =
      '--b\r\nContent-Type: text/plain\r\n\r\nsee file\r\n--b\r\nContent-Type: application/pdf; name="a.pdf"\r\n\r\n'
    return Buffer.from(`${head}${parts}${`${'y'.repeat(70)}\r\n`.repeat(43_000)}--b--\r\n`)
  }
  const settled = async (count: number) => {
    await until(`${count} mails are in tickets`, async () => {
      const rows = await sql`select state from inbound_mails`
      return rows.length === count && rows.every((row) => row.state === 'ticketed' || row.state === 'commented')
    })
  }
  const seenOf = async (user: string) =>
    (
      await sql`
        select s.original, s.original_words, s.action, s.mail_id, m.comment_id, m.ticket_id from imap_seen s
        join mailboxes b on b.id = s.mailbox_id join inbound_mails m on m.id = s.mail_id
        where b.name = ${user} and s.original is not null order by s.uid`
    )[0]!
  const code = (promise: Promise<unknown>) =>
    promise.then(
      () => 'done',
      (error: { code?: string }) => error.code,
    )

  test.before.each(async () => {
    await desk.reset()
    desk.clock.at = new Date(Date.now() + 3_600_000) // the poller's clock is the real one, and its mail is due
  })
  test.after.each(async () => {
    await pollers.stopAll()
  })
  test.after(async () => {
    await pollers.close()
    await dovecot.stop()
    await desk.stop()
  })

  test('a ticket with a note at once, the next mail unaffected, and the original byte by byte on demand', async () => {
    const poller = await follow('one')
    const raw = huge('huge')
    dovecot.deliver('one', raw)
    dovecot.deliver('one', rawMail('next'))
    await settled(2)
    const seen = await seenOf('one')
    assert.is(seen.original, 'left')
    const comments = await sql`
      select visibility, channel, visible, flags from comments where ticket_id = ${seen.ticket_id} order by id`
    assert.is(comments.length, 2)
    assert.equal(comments[0]!.flags, ['oversize'])
    assert.equal([comments[1]!.visibility, comments[1]!.channel], ['internal', 'system'])
    assert.match(comments[1]!.visible, /^3\.1 MB original left on the server/)
    const [{ reasons } = { reasons: [] }] = await sql`select reasons from inbound_mails where id = ${seen.mail_id}`
    assert.ok(reasons.some((reason: { code: string }) => reason.code === 'oversize'))
    await poller.pollNow()
    assert.is((await seenOf('one')).original, 'left', 'nobody asked')

    const [other] = await sql`select id from inbound_mails where subject = 'mail next'`
    assert.is(await code(requestOriginal(sql, { mailId: other!.id, by: 'Ada' })), 'no_original')
    assert.is(await code(requestOriginal(sql, { mailId: 999_999, by: 'Ada' })), 'no_mail')
    await requestOriginal(sql, { mailId: seen.mail_id, by: 'Ada' })
    await requestOriginal(sql, { mailId: seen.mail_id, by: 'Ada' })
    await poller.pollNow()
    await poller.pollNow()
    assert.is((await seenOf('one')).original, 'here')
    const files = await sql`select * from attachments where comment_id = ${seen.comment_id}`
    assert.equal(
      files.map((file) => [file.filename, file.type, file.size, file.inline]),
      [['original.eml', 'message/rfc822', raw.length, false]],
    )
    const hash = createHash('sha256')
    for await (const chunk of readBlob(sql, files[0]!.blob_id)) hash.update(chunk)
    assert.is(hash.digest('hex'), createHash('sha256').update(raw).digest('hex'))
    const events = await sql`
      select type, why from events where ticket_id = ${seen.ticket_id} and type = 'original_attached'`
    assert.equal([...events], [{ type: 'original_attached', why: 'Ada asked for it' }])
    assert.is(await code(requestOriginal(sql, { mailId: seen.mail_id, by: 'Ada' })), 'no_original')
    assert.is((await sql`select 1 from inbound_mails`).length, 2)
  })

  test('in a mailbox whose mails are deleted after import the original stays until it is here', async () => {
    const poller = await follow('deleting', { after: { do: 'delete' } })
    const name = dovecot.deliver('deleting', huge('kept'))
    const small = dovecot.deliver('deleting', rawMail('small'))
    await settled(2)
    await until('the small one is deleted', async () => {
      await poller.pollNow()
      return dovecot.flags('deleting', small) === null
    })
    assert.is(dovecot.flags('deleting', name), '')
    await requestOriginal(sql, { mailId: (await seenOf('deleting')).mail_id, by: 'Ada' })
    await until('it is deleted too', async () => {
      await poller.pollNow()
      return dovecot.flags('deleting', name) === null
    })
    assert.is((await seenOf('deleting')).original, 'here')
    assert.is((await sql`select 1 from attachments where filename = 'original.eml'`).length, 1)
  })

  test('an original that is gone from the server is told, and other mail goes on', async () => {
    const poller = await follow('gone')
    const name = dovecot.deliver('gone', huge('gone'))
    await settled(1)
    const seen = await seenOf('gone')
    dovecot.remove('gone', name)
    await requestOriginal(sql, { mailId: seen.mail_id, by: 'Ada' })
    dovecot.deliver('gone', rawMail('after'))
    await poller.pollNow()
    await settled(2)
    await poller.pollNow()
    assert.equal(
      [(await seenOf('gone')).original, (await seenOf('gone')).original_words],
      ['gone', 'it is no longer on the server'],
    )
    assert.ok(poller.notices.some((words) => words.startsWith(`raise mailbox_original mail ${seen.mail_id}`)))
    assert.is(await code(requestOriginal(sql, { mailId: seen.mail_id, by: 'Ada' })), 'no_original')
  })

  test('a deleted ticket takes no original; the mailbox goes on', async () => {
    const poller = await follow('deleted')
    dovecot.deliver('deleted', huge('deleted'))
    await settled(1)
    const seen = await seenOf('deleted')
    await requestOriginal(sql, { mailId: seen.mail_id, by: 'Ada' })
    await sql`update tickets set deleted_at = now(), deleted_by = 'Bo' where id = ${seen.ticket_id}`
    await poller.pollNow()
    assert.equal(
      [(await seenOf('deleted')).original, (await seenOf('deleted')).original_words],
      ['left', 'The ticket of this mail was deleted.'],
    )
    assert.is(poller.state().words, '')
    assert.is((await sql`select 1 from attachments`).length, 0)
  })

  test('oversize as an answer in a ticket: a comment with the note, and the ticket is the same', async () => {
    await follow('answer')
    dovecot.deliver('answer', rawMail('first'))
    await settled(1)
    dovecot.deliver('answer', huge('second').toString().replace('\r\n', '\r\nIn-Reply-To: <mfirst@acme.example>\r\n'))
    await settled(2)
    const seen = await seenOf('answer')
    const rows = await sql`select visibility, ticket_id from comments order by id`
    assert.equal(
      rows.map((row) => row.visibility),
      ['public', 'public', 'internal'],
    )
    assert.ok(rows.every((row) => row.ticket_id === seen.ticket_id))
  })

  test.run()
}
