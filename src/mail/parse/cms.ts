/**
 * The content of a CMS message (RFC 5652), of which 4.21 needs one thing: what an opaque signature wraps. No signature
 * is verified here and no key is known. The only importer of asn1js.
 */
import { type AsnType, Constructed, fromBER, ObjectIdentifier, OctetString, Sequence } from 'asn1js'
import * as limits from '../../limits.ts'

/** `signed` without content is a detached signature or a list of certificates. */
export type Cms = { kind: 'signed'; content: Buffer | null } | { kind: 'encrypted' } | { kind: 'unknown' }

const SIGNED = '1.2.840.113549.1.7.2'
const ENCRYPTED = new Set([
  '1.2.840.113549.1.7.3', // enveloped
  '1.2.840.113549.1.7.4', // signed and enveloped, PKCS #7
  '1.2.840.113549.1.7.6', // encrypted
  '1.2.840.113549.1.9.16.1.23', // authenticated and enveloped
])

/** Reads DER and BER, also as base64 or PEM that was encoded twice. Never throws. */
export function readCms(bytes: Buffer): Cms {
  try {
    return contentOf(bytes[0] === 0x30 ? bytes : fromText(bytes))
  } catch {
    return { kind: 'unknown' } // no structure that the library can follow: the part stays a file
  }
}

function contentOf(bytes: Buffer): Cms {
  const { offset, result } = fromBER(bytes, {
    maxDepth: 50,
    maxNodes: 100_000, // streamed signatures come in pieces of 1 to 4 KB
    maxContentLength: limits.parse.wrapped,
  })
  if (offset === -1) return { kind: 'unknown' }
  const [type, wrapped] = childrenOf(result)
  if (!(type instanceof ObjectIdentifier)) return { kind: 'unknown' }
  const id = type.getValue()
  if (ENCRYPTED.has(id)) return { kind: 'encrypted' }
  if (id !== SIGNED) return { kind: 'unknown' }
  const signed = childrenOf(childrenOf(wrapped)[0])
  // SignedData: version, digest algorithms, encapsulated content { type, [0] octets }
  const encapsulated = signed.find((block) => block instanceof Sequence)
  const content = childrenOf(childrenOf(encapsulated)[1])[0]
  return { kind: 'signed', content: content === undefined ? null : octetsOf(content) }
}

function childrenOf(block: AsnType | undefined): AsnType[] {
  return block instanceof Constructed ? (block.valueBlock.value as AsnType[]) : []
}

/** PKCS #7 of old let the content be any type: then its bytes are taken as they are. */
function octetsOf(content: AsnType): Buffer {
  if (content instanceof OctetString) return Buffer.from(content.getValue())
  return Buffer.from(content.valueBeforeDecodeView)
}

function fromText(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/-----[A-Z0-9 ]{1,40}-----/g, '')
  return Buffer.from(text, 'base64')
}
