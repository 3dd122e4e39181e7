import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Cookies } from './cookies'

const OLD = 'an old secret that is long enough to be one'
const NEW = 'a new secret that is long enough to be one'
const cookies = new Cookies({ secrets: [OLD], secure: true })

const pairOf = (setCookie: string) => setCookie.split(';')[0] ?? ''

describe('a cookie', () => {
  test('is read as the sealed value, under its own name only', async () => {
    const pair = pairOf(await cookies.write('session', 'id-1'))
    expect(await cookies.read(pair, 'session')).toBe('id-1')
    expect(await cookies.read(pair.replace('qr_session', 'qr_phone'), 'phone')).toBeNull()
    expect(await cookies.read(`a=b; ${pair}; c=d`, 'session')).toBe('id-1')
  })

  test('that another process has sealed is read too, also repeatedly', async () => {
    const pair = pairOf(await cookies.write('session', 'id-1'))
    const other = new Cookies({ secrets: [OLD], secure: true })
    for (const _ of [1, 2]) expect(await other.read(pair, 'session')).toBe('id-1')
    expect(await other.read(pair.replace('qr_session', 'qr_phone'), 'phone')).toBeNull()
  })

  test('does not contain the id in plain text', async () => {
    expect(await cookies.write('session', 'id-1')).not.toContain('id-1')
  })

  test('is HttpOnly with Path=/, and with https Secure and __Host-', async () => {
    const line = await cookies.write('session', 'x')
    expect(line).toMatch(/^__Host-qr_session=/)
    for (const attribute of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/'])
      expect(line.split('; ')).toContain(attribute)
    expect(line).not.toContain('Domain')
    const plain = await new Cookies({ secrets: [OLD], secure: false }).write('browser', 'x')
    expect(plain).toMatch(/^qr_browser=/)
    expect(plain.split('; ')).toEqual(expect.arrayContaining(['HttpOnly', 'SameSite=Strict']))
    expect(plain).not.toContain('Secure')
  })

  test('survives each phase of a rotation of the secret', async () => {
    const oldPair = pairOf(await cookies.write('session', 'id-1'))
    const both = new Cookies({ secrets: [NEW, OLD], secure: true })
    expect(await both.read(oldPair, 'session')).toBe('id-1')
    const newPair = pairOf(await both.write('session', 'id-2'))
    const onlyNew = new Cookies({ secrets: [NEW], secure: true })
    expect(await onlyNew.read(newPair, 'session')).toBe('id-2')
    expect(await onlyNew.read(oldPair, 'session')).toBeNull()
  })

  test('is valid in one spelling only, although base64 has four', async () => {
    const [name = '', value = ''] = pairOf(await cookies.write('session', 'id-1')).split('=')
    const reader = new Cookies({ secrets: [OLD], secure: true })
    const seal = decodeURIComponent(value)
    const at = seal.indexOf('~') - 1
    const read = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].map(async (char) => {
      const id = await reader.read(`${name}=${seal.slice(0, at)}${char}${seal.slice(at + 1)}`, 'session')
      return id === null ? '' : char
    })
    expect((await Promise.all(read)).join('')).toBe(seal[at])
  })

  test('with any other value is treated as no cookie', async () => {
    // A process that has not created these seals.
    const pair = pairOf(await cookies.write('session', 'id-1'))
    const reader = new Cookies({ secrets: [OLD], secure: true })
    const [name = '', seal = ''] = pair.split('=')
    const mutations = fc.oneof(
      fc.string().map((value) => value),
      fc.string({ unit: 'binary' }),
      fc.nat(seal.length - 1).map((at) => seal.slice(0, at)),
      fc
        .tuple(fc.nat(seal.length - 1), fc.string({ minLength: 1, maxLength: 1 }))
        .map(([at, char]) => seal.slice(0, at) + char + seal.slice(at + 1)),
      fc.constantFrom(
        '',
        '*',
        'Fe26.2**',
        `${seal}x`,
        `x${seal}`,
        `${seal}~2`,
        `${seal}${seal}`,
        `${seal.split('~')[0]}~3`,
        `${'*'.repeat(7)}`,
        '%',
        '%E0%A4%A',
        'a'.repeat(5_000),
        seal.replace(/\*/g, ''),
      ),
    )
    await fc.assert(
      fc.asyncProperty(mutations, async (value) => {
        const read = await reader.read(`${name}=${value}`, 'session')
        // `;` ends the value.
        const isGenuine = value.split(';')[0]?.trim() === decodeURIComponent(seal)
        expect(read).toBe(isGenuine ? 'id-1' : null)
      }),
      { numRuns: 2_000 },
    )
  })
})
