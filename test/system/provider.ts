/** The mail provider of people who have a domain: takes their mails by SMTP, signs them (DKIM) and passes them on. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import nodemailer from 'nodemailer'
import { SMTPServer } from 'smtp-server'

export type Provider = { port: number; stop(): Promise<void> }

/** @param given.port where its mail goes */
export async function startProvider(given: {
  port: number
  domain: string
  selector: string
  privateKey: string
}): Promise<Provider> {
  const { domain: domainName, selector: keySelector, privateKey } = given
  const out = nodemailer.createTransport({
    host: '127.0.0.1',
    port: given.port,
    name: `mail.${domainName}`,
    ignoreTLS: true,
    localAddress: '127.0.0.2', // not of the receiving Postfix' own network
    dkim: { domainName, keySelector, privateKey },
  })
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, { envelope }, done) {
      buffer(stream)
        .then((raw) => {
          const from = envelope.mailFrom ? envelope.mailFrom.address : ''
          return out.sendMail({ envelope: { from, to: envelope.rcptTo.map(({ address }) => address) }, raw })
        })
        .then(() => done(), done)
    },
  })
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    port: (server.server.address() as AddressInfo).port,
    async stop() {
      out.close()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
