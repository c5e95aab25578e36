/** The site on a socket. */

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { Refusal, wordsOf } from '../errors.ts'
import { createWeb } from './app.ts'
import type { Web } from './context.ts'

export type WebServer = {
  /** `http://127.0.0.1:8025`, with the port that was really taken. */
  address: string
  stop(): Promise<void>
}

/**
 * Listens for browsers.
 * @throws Refusal `web_listen`, fault `config`, when the address is taken or not ours
 */
export async function startWeb(web: Web, listen: { host: string; port: number }): Promise<WebServer> {
  const app = createWeb(web)
  const server = await new Promise<ServerType>((resolve, reject) => {
    const made = serve({ fetch: app.fetch, hostname: listen.host, port: listen.port }, () => resolve(made))
    made.once('error', (error) =>
      reject(
        new Refusal(
          'web_listen',
          `The web view cannot listen on ${listen.host}:${listen.port}: ${wordsOf(error)}`,
          'config',
        ),
      ),
    )
  })
  const { port, address, family } = server.address() as AddressInfo
  return {
    address: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        ;(server as Server).closeAllConnections()
      }),
  }
}
