/**
 * The installation secret, and what is sealed with it: token keys, the instance id, mailbox credentials. All daemons
 * on one database share the secret; one that has another refuses to start instead of making keys of its own.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import path from 'node:path'
import { makeDataFolder } from './data-folder.ts'
import { Refusal } from './errors.ts'

const FORMAT = 1
const NONCE = 12
const TAG = 16
/** Below this a typed secret is guessed faster than a key is worth. */
const SHORTEST = 16

/**
 * POSTROOM_SECRET if it is set, else `DATA/secret.key`, which is made at the first start (0600).
 * @returns a 32-byte key
 * @throws Refusal `weak_secret`, fault `config`
 */
export function loadSecret(options: { env: NodeJS.ProcessEnv; data: string }): Buffer {
  const given = options.env.POSTROOM_SECRET?.trim()
  if (given === undefined || given === '') return derive(readOrMake(path.join(options.data, 'secret.key')))
  if (given.length < SHORTEST)
    throw new Refusal(
      'weak_secret',
      `POSTROOM_SECRET has fewer than ${SHORTEST} characters: set a long random one.`,
      'config',
    )
  return derive(given)
}

/** AES-256-GCM: one format byte, nonce, tag, ciphertext. */
export function seal(secret: Buffer, plain: Buffer | string): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', secret, nonce)
  const sealed = Buffer.concat([cipher.update(plain as Buffer), cipher.final()])
  return Buffer.concat([Buffer.from([FORMAT]), nonce, cipher.getAuthTag(), sealed])
}

/**
 * The plain bytes of something sealed with this secret.
 * @throws Refusal `wrong_secret`, fault `config`, when the secret is another one or the bytes were changed
 */
export function open(secret: Buffer, sealed: Buffer): Buffer {
  try {
    if (sealed[0] !== FORMAT) throw new Error(`unknown format ${sealed[0]}`)
    const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(1, 1 + NONCE), { authTagLength: TAG })
    decipher.setAuthTag(sealed.subarray(1 + NONCE, 1 + NONCE + TAG))
    return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE + TAG)), decipher.final()])
  } catch (cause) {
    throw new Refusal(
      'wrong_secret',
      'The keys in the database were sealed with another secret: set POSTROOM_SECRET, or put back DATA/secret.key, ' +
        'as they were when this database was made.',
      'config',
      { cause },
    )
  }
}

/** Whatever the secret looks like, the key has 32 even bytes. */
const derive = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'postroom installation', 32))

/** Written beside and linked, so that of two daemons that start at once both read the same whole file. */
function readOrMake(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  makeDataFolder(path.dirname(file))
  const half = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  const descriptor = openSync(half, 'wx', 0o600)
  try {
    writeSync(descriptor, `${randomBytes(32).toString('base64url')}\n`)
    fsyncSync(descriptor)
    linkSync(half, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    closeSync(descriptor)
    rmSync(half)
  }
  return readFileSync(file, 'utf8').trim()
}
