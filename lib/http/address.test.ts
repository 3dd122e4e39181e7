import { describe, expect, test } from 'vitest'
import { fromPeer } from '../../test/support/peer'
import { AddressList, clientAddress, rateLimitKeys } from './address'

describe('the client address', () => {
  const address = (peer: string, forwarded: string | null, proxies: string[]) =>
    clientAddress(
      new Headers(fromPeer(peer, forwarded === null ? {} : { 'x-forwarded-for': forwarded })),
      new AddressList(proxies),
    )

  test('is the address of the socket without trusted proxies, whatever is forwarded', () => {
    expect(address('203.0.113.7', '198.51.100.1', [])).toBe('203.0.113.7')
  })

  test('is the first entry from the right that is not a trusted proxy', () => {
    expect(address('10.0.0.1', '6.6.6.6, 198.51.100.1, 10.0.0.2', ['10.0.0.0/8'])).toBe('198.51.100.1')
  })

  test('is the address of a trusted proxy that sends no header', () => {
    expect(address('10.0.0.1', null, ['10.0.0.0/8'])).toBe('10.0.0.1')
  })

  test('is unknown when a trusted proxy sends a malformed entry, never the client’s own entry', () => {
    expect(address('10.0.0.1', '198.51.100.1, nonsense', ['10.0.0.0/8'])).toBeNull()
  })

  test('is unknown without a socket', () => {
    expect(clientAddress(new Headers({ 'x-forwarded-for': '6.6.6.6' }), new AddressList([]))).toBeNull()
  })

  test('is unknown when a client sends the internal header of our server', () => {
    const headers = { 'x-qr-login-peer': '6.6.6.6', 'x-forwarded-for': '6.6.6.6' }
    for (const proxies of [[], ['6.6.6.6']]) {
      expect(clientAddress(new Headers(headers), new AddressList(proxies))).toBeNull()
    }
  })

  test('reads IPv4 in IPv6 as IPv4', () => {
    expect(address('::ffff:10.0.0.1', '2001:db8::1', ['10.0.0.1'])).toBe('2001:db8:0:0:0:0:0:1')
  })

  test('a list accepts addresses and blocks, and throws for anything else', () => {
    expect(new AddressList(['2001:db8::/32']).has('2001:db8:1::1')).toBe(true)
    for (const bad of ['10.0.0.0/33', '10.0.0', 'x', '10.0.0.0/8/8', '10.0.0.0/', '::/129']) {
      expect(() => new AddressList([bad])).toThrow(RangeError)
    }
  })
})

describe('the rate-limit keys of a client', () => {
  test('are an IPv4 address, in every spelling', () => {
    for (const address of ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107']) {
      expect(rateLimitKeys(address)).toEqual([{ key: '203.0.113.7', factor: 1 }])
    }
  })

  test('are three prefixes of an IPv6 address, the wider ones with higher limits', () => {
    expect(rateLimitKeys('2001:db8:0:1::7')).toEqual([
      { key: '2001:db8:0:1::/64', factor: 1 },
      { key: '2001:db8:0:0::/56', factor: 4 },
      { key: '2001:db8:0::/48', factor: 16 },
    ])
    const keysOf = (address: string) => rateLimitKeys(address).map(({ key }) => key)
    expect(keysOf('2001:DB8:1:abcd:ffff::1%eth0')).toEqual([
      '2001:db8:1:abcd::/64',
      '2001:db8:1:ab00::/56',
      '2001:db8:1::/48',
    ])
    expect(keysOf('2001:db8:1:abff::1').slice(1)).toEqual(keysOf('2001:db8:1:ab01::1').slice(1))
    expect(keysOf('2001:db8:1:ac00::1')[1]).not.toBe(keysOf('2001:db8:1:abff::1')[1])
    expect(keysOf('::1')).toEqual(['0:0:0:0::/64', '0:0:0:0::/56', '0:0:0::/48'])
  })

  test('are one shared key for all clients without a usable address', () => {
    for (const address of [null, '', 'nonsense', '1.2.3']) {
      expect(rateLimitKeys(address)).toEqual([{ key: 'unknown', factor: 1 }])
    }
  })
})
