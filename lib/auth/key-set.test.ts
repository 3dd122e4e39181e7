import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { T0 } from '../../test/support/fixtures'
import { IssuerKey } from '../../test/support/tokens'
import { isProtocolError } from '../core/errors'
import { KeySet } from './key-set'

const OLD = new IssuerKey('old')
const NEW = new IssuerKey('new')

/** An issuer's key set behind a network that does what the test says. */
class Issuer {
  now = T0
  keys = [OLD]
  fetched = 0
  failures = 0
  answer: () => Promise<Response> = async () => Response.json({ keys: this.keys.map(({ jwk }) => jwk) })

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
        this.answer(),
        new Promise<Response>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ])
    },
  })

  /** What becomes of a token signed by this key. */
  async judge(key: IssuerKey): Promise<'good' | 'bad' | 'unavailable'> {
    try {
      await jwtVerify(key.token(), this.set.find, { currentDate: new Date(this.now) })
      return 'good'
    } catch (error) {
      return isProtocolError(error) ? 'unavailable' : 'bad'
    }
  }
}

describe('the issuer’s keys', () => {
  test('are fetched once for a hundred tokens at once', async () => {
    const issuer = new Issuer()
    const judged = await Promise.all(Array.from({ length: 100 }, () => issuer.judge(OLD)))
    expect(new Set(judged)).toEqual(new Set(['good']))
    expect(issuer.fetched).toBe(1)
  })

  test('that are new are picked up with the first token that names them', async () => {
    const issuer = new Issuer()
    await issuer.judge(OLD)
    issuer.keys = [OLD, NEW]
    issuer.now += 10_000
    expect(await issuer.judge(NEW)).toBe('good')
  })

  test('that were withdrawn are dead within a minute, however quiet it was', async () => {
    const issuer = new Issuer()
    await issuer.judge(OLD)
    issuer.keys = [NEW]
    issuer.now += 60_000
    expect(await issuer.judge(OLD)).toBe('bad')
  })

  test('are fetched again in the background while they are used: nobody waits', async () => {
    const issuer = new Issuer()
    await issuer.judge(OLD)
    issuer.now += 30_000
    let answer = (_: Response) => {}
    issuer.answer = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    expect(await issuer.judge(OLD)).toBe('good')
    expect(issuer.fetched).toBe(2)
    answer(Response.json({ keys: [NEW.jwk] }))
    await expect.poll(() => issuer.judge(NEW)).toBe('good')
    expect(issuer.fetched).toBe(2)
  })

  test('are not fetched for made-up names', async () => {
    const issuer = new Issuer()
    const thieves = Array.from({ length: 50 }, (_, index) => new IssuerKey(`made-up ${index}`))
    await issuer.judge(OLD)
    for (const thief of thieves) expect(await issuer.judge(thief)).toBe('bad')
    expect(issuer.fetched).toBe(1)
    issuer.now += 10_000
    await Promise.all(thieves.map((thief) => issuer.judge(thief)))
    expect(issuer.fetched).toBe(2)
  })

  test.each([
    ['does not answer', () => new Promise<Response>(() => {})],
    ['is refused', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['answers 500', async () => new Response('no', { status: 500 })],
    ['answers with no JSON', async () => new Response('<html>')],
    ['answers with no key set', async () => Response.json({ key: [] })],
    ['redirects', async () => new Response(null, { status: 302, headers: { Location: '/keys' } })],
  ])('when the issuer %s: no yes, no second try at once, and good again soon after', async (_, answer) => {
    const issuer = new Issuer()
    const usual = issuer.answer
    issuer.answer = answer
    expect(await issuer.judge(OLD)).toBe('unavailable')
    expect(await issuer.judge(OLD)).toBe('unavailable')
    expect([issuer.fetched, issuer.failures]).toEqual([1, 1])
    issuer.answer = usual
    issuer.now += 2_000
    expect(await issuer.judge(OLD)).toBe('good')
  })

  test('hold for a minute while the issuer is away, and no longer', async () => {
    const issuer = new Issuer()
    await issuer.judge(OLD)
    issuer.answer = () => Promise.reject(new Error('ECONNREFUSED'))
    issuer.now += 59_999
    expect(await issuer.judge(OLD)).toBe('good')
    issuer.now += 1
    expect(await issuer.judge(OLD)).toBe('unavailable')
    issuer.now += 60_000
    expect(await issuer.judge(OLD)).toBe('unavailable')
  })

  test('are good again with the first fetch after the issuer is back, without those withdrawn meanwhile', async () => {
    const issuer = new Issuer()
    await issuer.judge(OLD)
    const usual = issuer.answer
    issuer.answer = () => Promise.reject(new Error('ECONNREFUSED'))
    issuer.now += 60_000
    expect(await issuer.judge(OLD)).toBe('unavailable')
    issuer.keys = [NEW]
    issuer.answer = usual
    issuer.now += 2_000
    expect(await issuer.judge(NEW)).toBe('good')
    expect(await issuer.judge(OLD)).toBe('bad')
  })

  test('are as old as the request that fetched them', async () => {
    const issuer = new Issuer()
    issuer.answer = async () => {
      issuer.now += 700
      return Response.json({ keys: [OLD.jwk] })
    }
    expect(await issuer.judge(OLD)).toBe('good')
    issuer.answer = () => Promise.reject(new Error('ECONNREFUSED'))
    issuer.now += 59_300
    expect(await issuer.judge(OLD)).toBe('unavailable')
  })
})
