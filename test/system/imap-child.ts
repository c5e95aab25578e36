/** A poller in a process of its own, to be killed: arguments are a target and a mailbox as JSON. */
import { connect } from '../../src/database.ts'
import { startPollers } from '../mail/imap-poller.ts'

const { target, mailbox, tmp } = JSON.parse(process.argv[2] ?? '{}')
const database = connect(target, { max: 3, name: 'imap child' })
startPollers(database.sql, tmp).start(mailbox, { limits: { lease: 600 } })
process.stdout.write('started\n')
