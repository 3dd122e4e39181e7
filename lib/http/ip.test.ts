import { describe, expect, test } from 'vitest'
import { compareNetworks } from '../core/attempt/risk'
import { networkOf, plainAddress } from './ip'

describe('the same network is', () => {
  test.each([
    ['the same public IPv4 address', '203.0.113.7', '203.0.113.7', true],
    ['not a neighbouring public IPv4 address', '203.0.113.7', '203.0.113.8', false],
    ['the /24 of a private IPv4 address', '192.168.1.7', '192.168.1.200', true],
    ['not another private /24', '192.168.1.7', '192.168.2.7', false],
    ['the /24 of 172.16/12', '172.20.3.4', '172.20.3.9', true],
    ['not 172.32, which is public', '172.32.3.4', '172.32.3.9', false],
    ['the /24 of loopback', '127.0.0.1', '127.0.0.2', true],
    ['the /64 of an IPv6 address', '2001:db8:1:2::1', '2001:db8:1:2:ffff:1:2:3', true],
    ['not another IPv6 /64', '2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['an IPv4-mapped IPv6 address', '::ffff:203.0.113.7', '203.0.113.7', true],
    ['the same in hexadecimal', '::ffff:cb00:7107', '203.0.113.7', true],
    ['link-local with a zone', 'fe80::1%eth0', 'fe80::2', true],
    ['not two unknown addresses', null, null, false],
    ['not two malformed addresses', 'unknown', 'unknown', false],
  ])('%s', (_, a, b, expected) => {
    expect(compareNetworks(networkOf(a), networkOf(b)) === 'same').toBe(expected)
  })
})

test('an address has one normal form for all spellings', () => {
  expect(plainAddress('2001:DB8::0001')).toBe(plainAddress('2001:db8:0:0:0:0:0:1'))
  expect(plainAddress('::ffff:10.0.0.1')).toBe('10.0.0.1')
  expect(plainAddress('1.2.3')).toBeNull()
  expect(plainAddress('')).toBeNull()
})
