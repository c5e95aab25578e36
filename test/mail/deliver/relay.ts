/** The relay settings of the tests: a sink on this machine, with limits that nobody reaches. */
import type { DelivererOptions } from '../../../src/mail/deliver.ts'

export type Relay = NonNullable<DelivererOptions['relay']>

export const relayAt = (port: number, change: Partial<Relay> = {}): Relay => ({
  host: '127.0.0.1',
  port,
  tls: 'opportunistic',
  user: null,
  password: null,
  ca: null,
  dkim: null,
  perMinute: 1000,
  perDomainMinute: 1000,
  concurrency: 3,
  timeouts: { connect: 1000, silence: 400, reply: 600 },
  ...change,
})
