import { createCipheriv, createDecipheriv, generateKeyPair, type JsonWebKey } from 'node:crypto'
import { promisify } from 'node:util'
import { deriveKey, keyIdOf } from '../../core/keys'
import type { RecordStore } from '../../core/record-store'

const ALGORITHMS = ['RS256', 'ES256'] as const
type Algorithm = (typeof ALGORITHMS)[number]

/**
 * `next` is published before it signs, `previous` as long as what it has signed may be verified.
 */
type Use = 'current' | 'next' | 'previous'
const USES: readonly Use[] = ['current', 'next', 'previous']

/** A private key (RFC 7517) that signs ID tokens and logout tokens. */
export type SigningKey = JsonWebKey & { kid: string; alg: Algorithm; use: 'sig' }

interface KeySet {
  /** Grows with each change. */
  revision: number
  /** When `current` began to sign (epoch ms). */
  since: number
  keys: Record<Algorithm, Partial<Record<Use, SigningKey>>>
}

export interface SigningKeysOptions {
  records: RecordStore
  /** The first seals, all unseal. */
  secrets: readonly [string, ...string[]]
  now: () => number
  randomBytes: (size: number) => Buffer
}

/** How long a key signs. */
export const ROTATE_EVERY_MS = 90 * 24 * 3_600_000
const KEPT_MS = 400 * 24 * 3_600_000
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * The keys of the provider: made once, sealed in the store (AES-256-GCM under a key of the secret),
 * the same for every process, and replaced every 90 days.
 *
 * There is one record per secret, so that a process with another secret neither reads nor replaces
 * them. While the secret is rotated, the record with the highest revision counts, and is sealed
 * anew with the first secret.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions
  #known: { name: string; keys: SigningKey[] } | null = null

  constructor(options: SigningKeysOptions) {
    this.#options = options
  }

  /**
   * Reads the keys, and makes or replaces them when it is time. `current` comes first. The same
   * array is returned while nothing has changed.
   */
  async load(): Promise<readonly SigningKey[]> {
    const stored = await this.#read()
    const set = await this.#advance(stored)
    if (this.#known?.name !== nameOf(set)) this.#known = { name: nameOf(set), keys: listKeys(set) }
    return this.#known.keys
  }

  /** The newest of the records that can be unsealed, and the record of the first secret. */
  async #read(): Promise<{ newest: KeySet | null; own: string | null }> {
    const { records, secrets, now } = this.#options
    const found = await Promise.all(secrets.map((secret) => records.findRecord(recordOf(secret), now())))
    const sets = found.flatMap((record, index) => {
      const set = record === null ? null : unseal(record.data, secrets[index] ?? '')
      return set === null ? [] : [set]
    })
    const newest = sets.reduce<KeySet | null>((best, set) => (best === null || isNewer(set, best) ? set : best), null)
    return { newest, own: found[0]?.data ?? null }
  }

  async #advance({ newest, own }: { newest: KeySet | null; own: string | null }): Promise<KeySet> {
    const { secrets, now } = this.#options
    const isDue = newest !== null && now() - newest.since >= ROTATE_EVERY_MS
    const ownSet = own === null ? null : unseal(own, secrets[0])
    if (newest !== null && !isDue && ownSet !== null && nameOf(ownSet) === nameOf(newest)) return newest
    const changed = newest === null ? await createSet(now()) : isDue ? await rotate(newest, now()) : newest
    await this.#write(changed, own)
    // Another process may have been faster, also one that seals with another secret.
    const { newest: current } = await this.#read()
    if (current === null) throw new Error('the signing keys in the store cannot be read')
    return current
  }

  async #write(set: KeySet, before: string | null): Promise<boolean> {
    const { records, secrets, now, randomBytes } = this.#options
    const data = seal(set, secrets[0], randomBytes(IV_BYTES))
    const record = { key: recordOf(secrets[0]), data, expiresAt: now() + KEPT_MS, group: null }
    if (before !== null) return await records.replaceRecord(record, before, now())
    return await records.insertRecord(record, now(), 'sign-in')
  }
}

function recordOf(secret: string): string {
  return `signing-keys ${keyIdOf(secret)}`
}

/** Names a set: two processes can make or turn the keys at once, in two records. */
function nameOf({ revision, keys }: KeySet): string {
  return `${revision} ${keys.RS256.current?.kid} ${keys.RS256.next?.kid}`
}

/** The same for every process, also between sets of one revision. */
function isNewer(a: KeySet, b: KeySet): boolean {
  return a.revision > b.revision || (a.revision === b.revision && nameOf(a) > nameOf(b))
}

function listKeys({ keys }: KeySet): SigningKey[] {
  return USES.flatMap((use) => ALGORITHMS.flatMap((algorithm) => keys[algorithm][use] ?? []))
}

async function createSet(now: number): Promise<KeySet> {
  const [rs, rsNext, es, esNext] = await Promise.all([
    createKey('RS256'),
    createKey('RS256'),
    createKey('ES256'),
    createKey('ES256'),
  ])
  const keys = { RS256: { current: rs, next: rsNext }, ES256: { current: es, next: esNext } }
  return { revision: 1, since: now, keys }
}

async function rotate({ revision, keys }: KeySet, now: number): Promise<KeySet> {
  const turned = await Promise.all(
    ALGORITHMS.map(async (algorithm) => {
      const { current, next } = keys[algorithm]
      const uses = { current: next ?? (await createKey(algorithm)), next: await createKey(algorithm) }
      return [algorithm, current === undefined ? uses : { ...uses, previous: current }] as const
    }),
  )
  return { revision: revision + 1, since: now, keys: Object.fromEntries(turned) as KeySet['keys'] }
}

const generate = promisify(generateKeyPair)

async function createKey(alg: Algorithm): Promise<SigningKey> {
  const { privateKey } =
    alg === 'RS256' ? await generate('rsa', { modulusLength: 2048 }) : await generate('ec', { namedCurve: 'P-256' })
  const jwk = privateKey.export({ format: 'jwk' })
  const kid = keyIdOf(JSON.stringify([jwk.n, jwk.x, jwk.y]))
  return { ...jwk, kid, alg, use: 'sig' }
}

function sealingKeyOf(secret: string): Buffer {
  return deriveKey(secret, 'signing keys')
}

function seal(set: KeySet, secret: string, iv: Buffer): string {
  const cipher = createCipheriv('aes-256-gcm', sealingKeyOf(secret), iv)
  const text = Buffer.concat([cipher.update(JSON.stringify(set), 'utf8'), cipher.final()])
  return JSON.stringify(Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url'))
}

/** Null for what this secret has not sealed. */
function unseal(data: string, secret: string): KeySet | null {
  const bytes = Buffer.from(JSON.parse(data) as string, 'base64url')
  const decipher = createDecipheriv('aes-256-gcm', sealingKeyOf(secret), bytes.subarray(0, IV_BYTES))
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
    return JSON.parse(text.toString('utf8')) as KeySet
  } catch {
    return null
  }
}
