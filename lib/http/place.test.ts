import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bitsOfIPv4, writeMmdb } from '../testing/mmdb'
import { AddressList, PEER_HEADER } from './address'
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

function place(headers: Record<string, string>, trusted = NONE, findCity: FindCity | null = null): string | null {
  return findPlace(new Headers({ [PEER_HEADER]: '10.0.0.1', ...headers }), trusted, findCity)
}

describe('what the platform in front says', () => {
  test('is believed of a trusted proxy', () => {
    expect(place({ 'x-vercel-ip-city': 'S%C3%A3o%20Paulo' }, PROXY)).toBe('São Paulo')
    expect(place({ 'cf-ipcity': Buffer.from('Zürich').toString('latin1') }, PROXY)).toBe('Zürich')
  })

  test('is not of anybody else', () => {
    for (const header of ['x-vercel-ip-city', 'cf-ipcity']) {
      expect(place({ [header]: 'Berlin' })).toBeNull()
      expect(
        place({ [header]: 'Berlin', [PEER_HEADER]: '203.0.113.1', 'x-forwarded-for': '10.0.0.1' }, PROXY),
      ).toBeNull()
    }
  })

  test.each([
    ['%E0%A4', null],
    ['', null],
    ['%00%0a%E2%80%AE', null],
    ['%E2%80%AEnilreB', 'nilreB'],
    ['x'.repeat(200), 'x'.repeat(64)],
  ])('%j becomes %j', (text, expected) => {
    expect(place({ 'x-vercel-ip-city': text }, PROXY)).toBe(expected)
  })
})

describe('what a local database says', () => {
  const findCity = openGeoDatabase(file)
  const of = (address: string) => place({ [PEER_HEADER]: address }, NONE, findCity)

  test('is the city of the address', () => {
    expect(of('203.0.113.7')).toBe('Lisbon')
    expect(of('::ffff:203.0.113.7')).toBe('Lisbon')
    expect(of('2001:db8:1:2::7')).toBe('Porto')
  })

  test('is nothing where it knows none', () => {
    expect([of('198.51.100.7'), of('192.0.2.1'), of('2001:db8::1'), of(''), of('not an address')]).toEqual(
      Array(5).fill(null),
    )
  })

  test('is asked about the client behind a trusted proxy, where the proxy says nothing', () => {
    expect(place({ 'x-forwarded-for': '203.0.113.7' }, PROXY, findCity)).toBe('Lisbon')
    expect(place({ 'x-forwarded-for': '203.0.113.7', 'cf-ipcity': 'Berlin' }, PROXY, findCity)).toBe('Berlin')
  })

  test('cannot be had from a file that is none', () => {
    const other = join(folder, 'other.mmdb')
    writeFileSync(other, 'no database')
    expect(() => openGeoDatabase(other)).toThrow()
    expect(() => openGeoDatabase(join(folder, 'missing.mmdb'))).toThrow()
  })
})
