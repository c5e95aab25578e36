/** A short run of the fuzzer; `npm run fuzz` is the long one. A seed that failed becomes a fixture. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fuzz } from './fuzz.ts'

test('five seconds of fuzz: no crash, no cap reached, no word lost', async () => {
  const result = await fuzz({ seconds: 5, seed: Math.floor(performance.timeOrigin) % 1e6 })
  assert.equal(result.failures, [])
  assert.ok(result.mails >= 20, `${result.mails} mails`)
  assert.ok(result.words > result.grown, `${result.words} words in ${result.grown} grown mails`)
})

test.run()
