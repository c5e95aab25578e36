/** uvu, of whose tests only those are kept whose name holds POSTROOM_TEST_ONLY. */
import * as uvu from 'uvu'

const words = process.env.POSTROOM_TEST_ONLY ?? ''

export const test: typeof uvu.test = chosen(uvu.test)

export const suite: typeof uvu.suite = (name, context) => chosen(uvu.suite(name, context))

function chosen<T>(every: uvu.Test<T>): uvu.Test<T> {
  const some = (name: string, run: uvu.Callback<T>) => {
    if (name.includes(words)) every(name, run)
  }
  return Object.assign(some, every)
}
