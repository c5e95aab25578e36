/**
 * How values travel between JavaScript and PostgreSQL's text format.
 *
 * The driver can ask each server for its array types, but does so on every new connection outside any promise that
 * anybody could catch: a connection lost at that moment would end the process. So the arrays in use are listed here.
 */

/** What postgres.js takes as a type: the oid of parameters, those of results, and both directions. */
type Codec = { to: number; from: number[]; serialize: (value: never) => string; parse: (text: string) => unknown }

type Element = { oid: number; array: number; serialize: (value: never) => string; parse: (text: string) => unknown }

const same = (text: string) => text
const toDate = (text: string) => new Date(text)
const fromDate = (at: Date | string) => (at instanceof Date ? at.toISOString() : at)

const elements: Record<string, Element> = {
  boolean: { oid: 16, array: 1000, serialize: (value: boolean) => (value ? 't' : 'f'), parse: (text) => text === 't' },
  bytea: {
    oid: 17,
    array: 1001,
    serialize: (value: Uint8Array) => `\\x${Buffer.from(value).toString('hex')}`,
    parse: (text) => Buffer.from(text.slice(2), 'hex'),
  },
  identifier: { oid: 19, array: 1003, serialize: String, parse: same },
  bigint: { oid: 20, array: 1016, serialize: String, parse: safeInteger },
  smallint: { oid: 21, array: 1005, serialize: String, parse: Number },
  integer: { oid: 23, array: 1007, serialize: String, parse: Number },
  text: { oid: 25, array: 1009, serialize: String, parse: same },
  double: { oid: 701, array: 1022, serialize: String, parse: Number },
  varchar: { oid: 1043, array: 1015, serialize: String, parse: same },
  // A day is its own text: as a Date it would be shifted by the zone.
  day: { oid: 1082, array: 1182, serialize: String, parse: same },
  timestamp: { oid: 1114, array: 1115, serialize: fromDate, parse: toDate },
  timestamptz: { oid: 1184, array: 1185, serialize: fromDate, parse: toDate },
  uuid: { oid: 2950, array: 2951, serialize: String, parse: same },
  jsonb: { oid: 3802, array: 3807, serialize: (value: unknown) => JSON.stringify(value), parse: JSON.parse },
}

/** For the driver's option `types`. */
export const types: Record<string, Codec> = Object.fromEntries(
  Object.entries(elements).flatMap(([name, { oid, array, serialize, parse }]) => [
    [name, { to: oid, from: [oid], serialize, parse }],
    [
      `${name}s`,
      {
        to: array,
        from: [array],
        serialize: (values: never[]) => arrayLiteral(values, serialize),
        parse: (text: string) => parseArray(text, parse),
      },
    ],
  ]),
)

/** Element oid -> array oid, for the driver's `sql.array`. */
export const arrayTypes: Record<number, number> = Object.fromEntries(
  Object.values(elements).map(({ oid, array }) => [oid, array]),
)

/** int8 as a number: ids stay far below 2^53, and one that does not is refused rather than bent. */
function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`the database holds ${text}, above 2^53`)
  return value
}

/** `{"a","b\"c",NULL}`: every element quoted, so none can be taken for NULL or for a nested array. */
function arrayLiteral(values: readonly never[], serialize: (value: never) => string): string {
  const words = values.map((value: unknown) => {
    if (value === undefined) throw new TypeError('undefined in an array parameter')
    return value === null ? 'NULL' : `"${serialize(value as never).replaceAll(/[\\"]/g, '\\$&')}"`
  })
  return `{${words.join(',')}}`
}

/** One dimension only; nothing here stores more. */
function parseArray(text: string, parse: (text: string) => unknown): unknown[] {
  if (!text.startsWith('{') || text.startsWith('{{')) throw new RangeError(`not a flat array: ${text.slice(0, 40)}`)
  const found: unknown[] = []
  for (const [, quoted, bare] of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/gs))
    found.push(
      quoted !== undefined ? parse(quoted.replaceAll(/\\(.)/gs, '$1')) : bare === 'NULL' ? null : parse(bare as string),
    )
  return found
}
