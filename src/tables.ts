/** The tables of the base files: content by hash, keys, leases. */
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { bytea, id, instant, ref } from './columns.ts'

/** Content by SHA-256. `sha256` is null only inside the transaction that is still writing the chunks. */
export const blobs = pgTable('blobs', {
  id: id(),
  sha256: bytea().unique(),
  bytes: ref().notNull().default(0),
  created_at: instant().notNull().defaultNow(),
})

/** A blob's bytes in order, 256 KB a row, kept out of line and uncompressed (see the migration). */
export const blobChunks = pgTable(
  'blob_chunks',
  {
    blob_id: ref()
      .notNull()
      .references(() => blobs.id, { onDelete: 'cascade' }),
    n: integer().notNull(),
    data: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.blob_id, t.n] })],
)

/** Secrets shared by all daemons, sealed with the installation secret: `instance`, `token/0`, `oauth/main`. */
export const keys = pgTable('keys', {
  name: text().primaryKey(),
  sealed: bytea().notNull(),
  created_at: instant().notNull().defaultNow(),
  retired_at: instant(),
})

/** Who may do a thing that only one daemon may do (an IMAP poller, a cron job), and until when. */
export const leases = pgTable('leases', {
  name: text().primaryKey(),
  holder: text().notNull(),
  until: instant().notNull(),
})
