/** A deliverer in a process of its own, to be killed: `node daemon.ts '{"target": ..., "port": ...}'`. */
import { connect } from '../../../src/database.ts'
import { silent } from '../../../src/log.ts'
import { startDeliverer } from '../../../src/mail/deliver.ts'

const { target, port } = JSON.parse(process.argv[2]!)
const { sql } = connect(target, { max: 4, name: 'test deliverer' })
await startDeliverer({
  sql,
  relay: {
    host: '127.0.0.1',
    port,
    tls: 'opportunistic',
    user: null,
    password: null,
    ca: null,
    dkim: null,
    perMinute: 100_000,
    perDomainMinute: 100_000,
    concurrency: 3,
  },
  folder: '',
  log: silent,
  now: () => new Date(),
  notices: { async raise() {}, async settle() {} },
  pace: { poll: 50, claim: 300, circuit: [50] },
})
// it never outlives the test, however that ends
process.stdin.resume().once('end', () => process.exit())
