/**
 * Transactions that outlive the loss of their connection. The driver, whose version is pinned, writes to a socket that
 * is gone when anything more is asked in such a transaction, its own rollback included, and that ends the process
 * (`Cannot read properties of null (reading 'write')`). So once a connection of a client closes, each of its running
 * transactions waits a turn before its next step: by then the driver has said whether the connection was its own.
 */
import type postgres from 'postgres'

type Client = postgres.Sql
type Inner = postgres.TransactionSql
type Run = { suspect: boolean; lost: unknown }
type Pending = { handler?: (query: Pending) => unknown; reject(error: unknown): void }

const running = new WeakMap<Client, Set<Run>>()

/** A connection of the client has closed. Call it at once, before any promise that waits for it goes on. */
export function suspectLoss(client: Client): void {
  for (const run of running.get(client) ?? []) run.suspect = true
}

/** `client.begin`, for which a lost connection is an error like any other. */
export async function begin<T>(client: Client, work: (tx: Inner) => Promise<T>): Promise<T> {
  const run: Run = { suspect: false, lost: null }
  const runs = running.get(client) ?? new Set()
  running.set(client, runs.add(run))
  try {
    const transaction = client.begin((tx) => settle(run, () => work(guarded(run, tx))))
    transaction.catch((error) => {
      run.lost = error ?? new Error('the transaction failed')
    })
    return (await transaction) as T
  } finally {
    runs.delete(run)
  }
}

/** Does not come back to a driver that would commit or roll back on a lost connection: the driver has rejected. */
async function settle<T>(run: Run, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    if (await isLost(run)) await new Promise(() => {})
  }
}

async function isLost(run: Run): Promise<boolean> {
  if (run.suspect) await new Promise((turn) => setImmediate(turn))
  run.suspect = false
  return run.lost !== null
}

function guarded(run: Run, tx: Inner): Inner {
  return new Proxy(tx, {
    apply: (target, self, args) => held(run, Reflect.apply(target as never, self, args)),
    get(target, name) {
      const value = Reflect.get(target, name)
      if (name === 'savepoint')
        return async (...args: unknown[]) => {
          const work = args.pop() as (inner: Inner) => Promise<unknown>
          if (await isLost(run)) throw run.lost
          return target.savepoint(...(args as [string]), (inner) => settle(run, () => work(guarded(run, inner))))
        }
      if (name === 'unsafe' || name === 'file')
        return (...args: unknown[]) => held(run, Reflect.apply(value as never, target, args))
      return value
    },
  })
}

/** A query is sent when it is awaited, which may be long after it was written down. */
function held<T>(run: Run, made: T): T {
  const query = made as Pending
  const send = query?.handler
  if (typeof send !== 'function') return made // a fragment or a list of names
  query.handler = (self) => {
    if (!run.suspect && run.lost === null) return send(self)
    void isLost(run).then((lost) => (lost ? self.reject(run.lost) : send(self)))
  }
  return made
}
