/** The relay of the benches' daemons: takes every mail and keeps none. Its first line says the port. */
import { SMTPServer } from 'smtp-server'

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, callback) {
    stream.on('end', () => callback())
    stream.resume()
  },
})

server.listen(0, '127.0.0.1', () => {
  const place = server.server.address() as { port: number }
  process.stdin.once('data', () => process.stdout.write(`${JSON.stringify({ port: place.port })}\n`))
})
