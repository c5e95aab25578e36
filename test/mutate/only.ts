/**
 * Loaded before a test file: of its tests only those run whose name holds POSTROOM_TEST_ONLY. Set-up and hooks stay.
 * uvu's command line picks files, not tests, so `uvu` is given to the file with another `test`.
 */
import { registerHooks } from 'node:module'

const face = new URL('./only-uvu.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'uvu' && context.parentURL !== face) return { url: face, shortCircuit: true }
    return next(specifier, context)
  },
})
