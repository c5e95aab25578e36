/** Calls out: what is posted, what is refused, and that nobody keeps us waiting or fills our memory. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { callHook, isHookUrl } from '../src/hooks.ts'
import { hooks as limits } from '../src/limits.ts'

type Seen = { method: string; path: string; headers: http.IncomingHttpHeaders; body: string }
const seen: Seen[] = []
let answer: (response: http.ServerResponse) => void = (response) => response.end()
const server = http.createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString()
  seen.push({ method: request.method!, path: request.url!, headers: request.headers, body })
  answer(response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
const url = `http://127.0.0.1:${port}/hook?team=a%20b`
const LOCAL = ['127.0.0.0/8', '::1']
const call = { url, body: '{"ticket":7,"subject":"Grüße"}', key: '3/late/2' }

test.before.each(() => {
  seen.length = 0
  answer = (response) => response.end()
})
test.after(() => {
  server.closeAllConnections()
  server.close()
})

test('the data goes as JSON, with the key of the call', async () => {
  assert.equal(await callHook(call, LOCAL), { ok: true, status: 200, words: 'answered 200' })
  const { method, path, headers, body } = seen[0]!
  assert.equal([method, path, body], ['POST', '/hook?team=a%20b', call.body])
  assert.is(headers['content-type'], 'application/json; charset=utf-8')
  assert.is(headers['content-length'], String(Buffer.byteLength(call.body)))
  assert.is(headers['idempotency-key'], '3/late/2')
})

test('nothing inside is called unless its network is allowed, however it is written', async () => {
  const hosts = [
    '127.0.0.1', '2130706433', '0x7f.1', '127.1', '0.0.0.0', '0', '[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]',
    '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', 'localhost', 'LOCALHOST', 'localhost.',
    '10.0.0.1', '172.31.0.9', '192.168.1.1', '169.254.169.254', '100.64.0.1', '224.0.0.1', '255.255.255.255',
    '[fe80::1]', '[fd00::1]', '[ff02::1]', '[2001:db8::1]',
  ] // biome-ignore format: a list to be read
  for (const host of hosts) {
    const { ok, status, words } = await callHook({ ...call, url: `http://${host}:${port}/` }, [])
    assert.equal([ok, status], [false, null], host)
    assert.match(words, /private network|could not be reached \((?:ENOTFOUND|EAI_AGAIN)\)/, host)
  }
  assert.is(seen.length, 0)
  assert.is((await callHook({ ...call, url: `http://localhost:${port}/` }, LOCAL)).ok, true, 'a name')
  assert.is((await callHook({ ...call, url: `http://[::ffff:127.0.0.1]:${port}/` }, LOCAL)).ok, true)
  assert.is((await callHook(call, ['10.0.0.0/8'])).ok, false, 'another network')
})

test('a redirect is an answer like any other, and no way inside', async () => {
  answer = (response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/inside` }).end()
  assert.equal(await callHook(call, LOCAL), { ok: false, status: 302, words: 'answered 302' })
  assert.is(seen.length, 1)
  for (const status of [204, 400, 500]) {
    answer = (response) => response.writeHead(status).end()
    assert.is((await callHook(call, LOCAL)).ok, status === 204, String(status))
  }
})

test('an endless answer is not read, a silent one is given up, words of the other side are not repeated', async () => {
  let written = 0
  answer = (response) => {
    const flood = () => {
      while (!response.destroyed && written < 64 << 20 && response.write(Buffer.alloc(1 << 16))) written += 1 << 16
    }
    response.on('drain', flood)
    flood()
  }
  assert.is((await callHook(call, LOCAL)).ok, true)
  assert.ok(written < 16 << 20, `${written} bytes`)
  answer = () => {}
  const from = performance.now()
  const { ok, words } = await callHook(call, LOCAL)
  assert.equal([ok, words], [false, `no answer in ${limits.patience / 1000} s`])
  assert.ok(performance.now() - from < limits.patience + 2000)
  answer = (response) => response.socket!.end('HTTP/1.1 999 <script>\r\nSecret: x\r\n\r\n')
  assert.not.match((await callHook(call, LOCAL)).words, /script|Secret/)
  answer = (response) => response.socket!.destroy()
  assert.is((await callHook(call, LOCAL)).words, 'could not be reached (ECONNRESET)')
})

test('what may stand in the desk file', () => {
  for (const good of ['https://pager.example/hook', 'http://pager.example:8080', 'https://[2606:4700::1]/x?y=z'])
    assert.ok(isHookUrl(good), good)
  for (const bad of [
    '',
    'pager.example',
    'ftp://pager.example',
    'file:///etc/passwd',
    'https://user:secret@pager.example/',
    'https://user@pager.example/',
    'javascript:alert(1)',
    `https://pager.example/${'x'.repeat(limits.url)}`,
  ])
    assert.not.ok(isHookUrl(bad), bad)
})

test.run()
