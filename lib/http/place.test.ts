import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bitsOfIPv4, writeMmdb } from '../../test/support/mmdb'
import { fromPeer } from '../../test/support/peer'
import { AddressList, traceClient } from './address'
import { type FindCity, openGeoDatabase } from './geo-database'
import { findPlace } from './place'

const folder = mkdtempSync(join(tmpdir(), 'qr-login-places-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = join(folder, 'city.mmdb')
writeFileSync(
  file,
  writeMmdb([
    [bitsOfIPv4('203.0.113.0', 24), { city: { names: { en: 'Lisbon', 'zh-CN': '里斯本' } } }],
    [bitsOfIPv4('198.51.100.0', 24), { country: { iso_code: 'PT' } }],
    ['0010000000000001000011011011100000000000000000010000000000000010', { city: 'Porto' }],
  ]),
)

const NONE = new AddressList([])
const PROXY = new AddressList(['10.0.0.0/8'])

function place(
  headers: Record<string, string>,
  trustedProxies = NONE,
  findCity: FindCity | null = null,
  { peer = '10.0.0.1', placeHeader = 'x-city' as string | null } = {},
): string | null {
  const received = new Headers(fromPeer(peer, headers))
  return findPlace(received, traceClient(received, trustedProxies), { placeHeader, findCity })
}

const utf8 = (text: string) => Buffer.from(text).toString('latin1')

describe('PLACE_HEADER', () => {
  test('is used from a trusted proxy', () => {
    expect(place({ 'X-City': 'Lisbon' }, PROXY)).toBe('Lisbon')
  })

  test('is ignored from any other peer', () => {
    expect(place({ 'X-City': 'Berlin' })).toBeNull()
    const headers = { 'X-City': 'Berlin', 'X-Forwarded-For': '10.0.0.1' }
    expect(place(headers, PROXY, null, { peer: '203.0.113.1' })).toBeNull()
  })

  test('is the only header that is used: headers of platforms need to be configured', () => {
    for (const name of ['x-vercel-ip-city', 'cf-ipcity']) {
      expect(place({ [name]: 'Springfield' }, PROXY)).toBeNull()
      expect(place({ [name]: 'Springfield' }, PROXY, null, { placeHeader: null })).toBeNull()
      expect(place({ [name]: 'Lisbon', 'x-city': 'Berlin' }, PROXY, null, { placeHeader: name })).toBe('Lisbon')
    }
  })

  test.each([
    ['S%C3%A3o%20Paulo', 'São Paulo'],
    ['s%c3%a3o paulo', 'são paulo'],
    [utf8('Zürich'), 'Zürich'],
    [utf8('Zürich%20%E5%8C%97'), 'Zürich 北'],
    [utf8('上海市'), '上海市'],
    ['100% Pure', '100% Pure'],
    ['Z\u00fcrich', null],
    ['%E0%A4', null],
    ['', null],
    ['%00%0a%E2%80%AE', null],
    ['%E2%80%AEnilreB', 'nilreB'],
    ['x'.repeat(200), 'x'.repeat(64)],
  ])('%j becomes %j', (text, expected) => {
    expect(place({ 'x-city': text }, PROXY)).toBe(expected)
  })
})

describe('the local database', () => {
  const findCity = openGeoDatabase(file)
  const of = (address: string) => place({}, NONE, findCity, { peer: address })

  test('has the city of an address', () => {
    expect(of('203.0.113.7')).toBe('Lisbon')
    expect(of('::ffff:203.0.113.7')).toBe('Lisbon')
    expect(of('2001:db8:1:2::7')).toBe('Porto')
  })

  test('has no city for an unknown address', () => {
    expect([of('198.51.100.7'), of('192.0.2.1'), of('2001:db8::1'), of(''), of('not an address')]).toEqual(
      Array(5).fill(null),
    )
  })

  test('is used for the client behind a trusted proxy if the header has no valid city', () => {
    const forwarded = { 'x-forwarded-for': '203.0.113.7' }
    expect(place(forwarded, PROXY, findCity)).toBe('Lisbon')
    expect(place({ ...forwarded, 'x-city': '%E0%A4' }, PROXY, findCity)).toBe('Lisbon')
    expect(place({ ...forwarded, 'x-city': 'Berlin' }, PROXY, findCity)).toBe('Berlin')
  })

  test('cannot be opened from an invalid or missing file', () => {
    const other = join(folder, 'other.mmdb')
    writeFileSync(other, 'no database')
    expect(() => openGeoDatabase(other)).toThrow()
    expect(() => openGeoDatabase(join(folder, 'missing.mmdb'))).toThrow()
  })
})
