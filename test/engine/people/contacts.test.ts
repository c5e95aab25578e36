import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createContact, forgetContact } from '../../../src/engine/people/contacts.ts'
import { testDatabase } from '../../database.ts'
import { NOON, refusal, timeDesk } from '../time-desk.ts'

const database = await testDatabase()
const { sql } = database
let desk = await timeDesk(sql)
test.before.each(async () => {
  await database.empty()
  desk = await timeDesk(sql)
})
test.after(() => database.close())

const create = (address: string, name = '') =>
  desk.act((tx) => createContact(tx, { address, name, desk: desk.desk }, NOON))
const like = async (address: string, name = '') => (await create(address, name)).similar.map((one) => one.address)

test('FEATURES 0.18: an exact address is never a second record, whatever its case', async () => {
  const first = await create('Ivan.Petrov@ACME.example', 'Ivan Petrov')
  const again = await create('ivan.petrov@acme.example', 'Somebody')
  assert.equal([first.created, again.created, again.contactId], [true, false, first.contactId])
  const [row] = await sql`select name, organization_id from contacts where id = ${first.contactId}`
  assert.equal({ ...row }, { name: 'Ivan Petrov', organization_id: desk.desk.organizations.get('acme')!.id })
})

test('FEATURES 0.18: who reads alike is listed, by name or by address', async () => {
  await create('i.petrov@acme.example', 'Ivan Petrov')
  assert.equal(await like('ivan.petrov@acme.example'), ['i.petrov@acme.example'])
  assert.equal(await like('ipetrov@acme.example'), ['i.petrov@acme.example', 'ivan.petrov@acme.example'])
  assert.equal((await like('ivan@private.example', 'ivan PETROV')).slice(0, 1), ['i.petrov@acme.example'])
  assert.equal(await like('anna.petrova@acme.example', 'Anna Petrova'), [])
  assert.equal(await like('i.petrov@borealis.example'), [], 'another domain, and no name')
})

test('our own addresses and what is no address are no contacts', async () => {
  assert.is(await refusal(create('support@desk.example')), 'own_address')
  assert.is(await refusal(create('nobody')), 'bad_address')
})

test('a contact that nothing came of is taken back; one who has a ticket stays', async () => {
  const before = await sql`select count(*) from contacts`
  const { contactId } = await create('ivan@acme.example', 'Ivan')
  assert.equal(await desk.act((tx) => forgetContact(tx, contactId)), { forgotten: true })
  assert.equal([...(await sql`select count(*) from contacts`)], [...before])
  const other = await create('eva@acme.example', 'Eva')
  const ticket = await desk.addTicket()
  await sql`update tickets set requester_id = ${other.contactId} where id = ${ticket}`
  assert.equal(await desk.act((tx) => forgetContact(tx, other.contactId)), { forgotten: false })
})

test.run()
