/** The sending side: one SMTP connection that pipelines MAIL, RCPT and DATA, as mail servers do. */
import { connect } from 'node:net'

export type Address = { host: string; port: number }

export type Line = {
  /** Resolves with the 250 that follows the final dot. @throws Error with any other reply */
  send(mail: { from: string; to: string; pieces: Iterable<Buffer> }): Promise<void>
  close(): void
}

/** `pieces` must need no dot-stuffing and end with CRLF: the benches' mails are made that way. */
export async function openLine({ host, port }: Address): Promise<Line> {
  const socket = connect(port, host)
  socket.setNoDelay(true)
  let received = ''
  let wake = () => {}
  let lost: Error | null = null
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    wake()
  })
  const lose = (error?: Error) => {
    lost ??= error ?? new Error('the server closed the connection')
    wake()
  }
  socket.on('error', lose)
  socket.on('close', () => lose())
  const expect = async (code: string) => {
    for (;;) {
      const whole = /^(?:\d{3}-.*\r\n)*(\d{3})(?: .*)?\r\n/.exec(received)
      if (whole) {
        received = received.slice(whole[0].length)
        if (whole[1] === code) return
        throw new Error(`wanted ${code}, got: ${whole[0].trim()}`)
      }
      if (lost) throw lost
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  let flow = () => {}
  socket.on('drain', () => flow())
  socket.on('close', () => flow())
  const drained = () =>
    new Promise<void>((resolve) => {
      flow = resolve
      if (lost) resolve()
    })
  await expect('220')
  socket.write('EHLO client.example\r\n')
  await expect('250')
  return {
    async send({ from, to, pieces }) {
      socket.write(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`)
      await expect('250')
      await expect('250')
      await expect('354')
      for (const piece of pieces) if (!socket.write(piece)) await drained()
      socket.write('.\r\n')
      await expect('250')
    },
    close() {
      socket.end('QUIT\r\n')
    },
  }
}
