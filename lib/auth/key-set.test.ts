import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { T0 } from '../../test/support/fixtures'
import { IssuerKey } from '../../test/support/tokens'
import { isProtocolError } from '../core/errors'
import { KeySet } from './key-set'

const OLD = new IssuerKey('old')
const NEW = new IssuerKey('new')

/** The key set of an issuer, whose responses the test can replace. */
class Issuer {
  now = T0
  keys = [OLD]
  fetched = 0
  failures = 0
  respond: () => Promise<Response> = async () => Response.json({ keys: this.keys.map(({ jwk }) => jwk) })

  readonly set = new KeySet({
    url: 'https://accounts.example.com/keys',
    now: () => this.now,
    onError: () => {
      this.failures += 1
    },
    fetch: async (_, init) => {
      this.fetched += 1
      const { signal } = init as { signal: AbortSignal }
      return await Promise.race([
        this.respond(),
        new Promise<Response>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ])
    },
  })

  /** The result for a token that is signed with this key. */
  async verify(key: IssuerKey): Promise<'valid' | 'invalid' | 'unavailable'> {
    try {
      await jwtVerify(key.token(), this.set.find, { currentDate: new Date(this.now) })
      return 'valid'
    } catch (error) {
      return isProtocolError(error) ? 'unavailable' : 'invalid'
    }
  }
}

describe('the issuer’s keys', () => {
  test('are fetched once for 100 concurrent tokens', async () => {
    const issuer = new Issuer()
    const results = await Promise.all(Array.from({ length: 100 }, () => issuer.verify(OLD)))
    expect(new Set(results)).toEqual(new Set(['valid']))
    expect(issuer.fetched).toBe(1)
  })

  test('that are new are fetched with the first token that names them', async () => {
    const issuer = new Issuer()
    await issuer.verify(OLD)
    issuer.keys = [OLD, NEW]
    issuer.now += 10_000
    expect(await issuer.verify(NEW)).toBe('valid')
  })

  test('that were withdrawn are invalid within a minute, even without traffic', async () => {
    const issuer = new Issuer()
    await issuer.verify(OLD)
    issuer.keys = [NEW]
    issuer.now += 60_000
    expect(await issuer.verify(OLD)).toBe('invalid')
  })

  test('are refreshed in the background while they are used: no token waits', async () => {
    const issuer = new Issuer()
    await issuer.verify(OLD)
    issuer.now += 30_000
    let resolveFetch = (_: Response) => {}
    issuer.respond = () =>
      new Promise((resolve) => {
        resolveFetch = resolve
      })
    expect(await issuer.verify(OLD)).toBe('valid')
    expect(issuer.fetched).toBe(2)
    resolveFetch(Response.json({ keys: [NEW.jwk] }))
    await expect.poll(() => issuer.verify(NEW)).toBe('valid')
    expect(issuer.fetched).toBe(2)
  })

  test('are fetched at most once per 10 s for unknown names', async () => {
    const issuer = new Issuer()
    const unknown = Array.from({ length: 50 }, (_, index) => new IssuerKey(`made-up ${index}`))
    await issuer.verify(OLD)
    for (const key of unknown) expect(await issuer.verify(key)).toBe('invalid')
    expect(issuer.fetched).toBe(1)
    issuer.now += 10_000
    await Promise.all(unknown.map((key) => issuer.verify(key)))
    expect(issuer.fetched).toBe(2)
  })

  test.each([
    ['does not respond', () => new Promise<Response>(() => {})],
    ['refuses the connection', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['responds with 500', async () => new Response('no', { status: 500 })],
    ['responds without JSON', async () => new Response('<html>')],
    ['responds without a key set', async () => Response.json({ key: [] })],
    ['redirects', async () => new Response(null, { status: 302, headers: { Location: '/keys' } })],
  ])('when the issuer %s: no token is accepted, one request is sent, and it recovers 2 s later', async (_, respond) => {
    const issuer = new Issuer()
    const usual = issuer.respond
    issuer.respond = respond
    expect(await issuer.verify(OLD)).toBe('unavailable')
    expect(await issuer.verify(OLD)).toBe('unavailable')
    expect([issuer.fetched, issuer.failures]).toEqual([1, 1])
    issuer.respond = usual
    issuer.now += 2_000
    expect(await issuer.verify(OLD)).toBe('valid')
  })

  test('stay valid for one minute while the issuer is unreachable', async () => {
    const issuer = new Issuer()
    await issuer.verify(OLD)
    issuer.respond = () => Promise.reject(new Error('ECONNREFUSED'))
    issuer.now += 59_999
    expect(await issuer.verify(OLD)).toBe('valid')
    issuer.now += 1
    expect(await issuer.verify(OLD)).toBe('unavailable')
    issuer.now += 60_000
    expect(await issuer.verify(OLD)).toBe('unavailable')
  })

  test('are valid again after the first successful fetch, except for those withdrawn meanwhile', async () => {
    const issuer = new Issuer()
    await issuer.verify(OLD)
    const usual = issuer.respond
    issuer.respond = () => Promise.reject(new Error('ECONNREFUSED'))
    issuer.now += 60_000
    expect(await issuer.verify(OLD)).toBe('unavailable')
    issuer.keys = [NEW]
    issuer.respond = usual
    issuer.now += 2_000
    expect(await issuer.verify(NEW)).toBe('valid')
    expect(await issuer.verify(OLD)).toBe('invalid')
  })

  test('age from the start of the request that fetched them', async () => {
    const issuer = new Issuer()
    issuer.respond = async () => {
      issuer.now += 700
      return Response.json({ keys: [OLD.jwk] })
    }
    expect(await issuer.verify(OLD)).toBe('valid')
    issuer.respond = () => Promise.reject(new Error('ECONNREFUSED'))
    issuer.now += 59_300
    expect(await issuer.verify(OLD)).toBe('unavailable')
  })
})
