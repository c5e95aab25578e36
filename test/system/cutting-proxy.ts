/** A TCP proxy on loopback that hangs up, once, instead of passing on what a pattern matches in the server's words. */
import net from 'node:net'

export type CuttingProxy = { port: number; cut: RegExp | null; cuts: number; stop(): Promise<void> }

export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const sockets = new Set<net.Socket>()
  const proxy: CuttingProxy = {
    port: 0,
    cut: null,
    cuts: 0,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = net.createServer((client) => {
    const behind = net.connect(target, '127.0.0.1')
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(one)
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
    }
    client.on('data', (bytes) => behind.write(bytes))
    behind.on('data', (bytes) => {
      if (!proxy.cut?.test(bytes.toString('latin1'))) return void client.write(bytes)
      proxy.cut = null
      proxy.cuts++
      client.destroy()
      behind.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.port = (server.address() as net.AddressInfo).port
  return proxy
}
