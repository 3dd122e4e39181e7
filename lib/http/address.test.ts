import { describe, expect, test } from 'vitest'
import { AddressList, clientAddress, PEER_HEADER } from './address'

describe('the client address', () => {
  const address = (peer: string, forwarded: string | null, proxies: string[]) =>
    clientAddress(
      new Headers({ [PEER_HEADER]: peer, ...(forwarded === null ? {} : { 'x-forwarded-for': forwarded }) }),
      new AddressList(proxies),
    )

  test('is the socket when nobody is trusted, whatever is forwarded', () => {
    expect(address('203.0.113.7', '198.51.100.1', [])).toBe('203.0.113.7')
  })

  test('is what trusted proxies say, walked from the right', () => {
    expect(address('10.0.0.1', '6.6.6.6, 198.51.100.1, 10.0.0.2', ['10.0.0.0/8'])).toBe('198.51.100.1')
  })

  test('is the last that is known when a trusted proxy says nothing', () => {
    expect(address('10.0.0.1', null, ['10.0.0.0/8'])).toBe('10.0.0.1')
  })

  test('is unknown when a trusted proxy talks nonsense, never the client’s own words', () => {
    expect(address('10.0.0.1', '198.51.100.1, nonsense', ['10.0.0.0/8'])).toBeNull()
  })

  test('is unknown without a socket', () => {
    expect(clientAddress(new Headers({ 'x-forwarded-for': '6.6.6.6' }), new AddressList([]))).toBeNull()
  })

  test('reads IPv4 in IPv6 as IPv4', () => {
    expect(address('::ffff:10.0.0.1', '2001:db8::1', ['10.0.0.1'])).toBe('2001:db8:0:0:0:0:0:1')
  })

  test('a list takes addresses and blocks, and says what it does not take', () => {
    expect(new AddressList(['2001:db8::/32']).has('2001:db8:1::1')).toBe(true)
    for (const bad of ['10.0.0.0/33', '10.0.0', 'x', '10.0.0.0/8/8', '10.0.0.0/', '::/129']) {
      expect(() => new AddressList([bad])).toThrow(RangeError)
    }
  })
})
