import { describe, expect, test } from 'vitest'
import { fromPeer } from '../../test/support/peer'
import { AddressList, traceClient } from './address'
import { createNetworkFinder } from './client-network'

interface FinderOptions {
  proxies?: string[]
  origin?: string
  /** Further own origins, as in local mode. */
  more?: string[]
}

function finder({ proxies = [], origin = 'https://login.example.com', more = [] }: FinderOptions = {}) {
  const warnings: string[] = []
  const find = createNetworkFinder({
    trustedProxies: new AddressList(proxies),
    ownOrigins: new Set([origin, ...more]),
    warn: (message) => warnings.push(message),
  })
  const network = (peer: string, headers: Record<string, string> = {}) => {
    const received = new Headers(fromPeer(peer, headers))
    return find(received, traceClient(received, new AddressList(proxies)))
  }
  return { network, warnings }
}

const FORWARDING = [
  'Forwarded',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Anything',
  'X-Real-IP',
]

const PRIVATE_PEERS = [
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.254',
  '192.168.1.2',
  '169.254.10.20',
  '100.64.0.1',
  '100.127.255.254',
  '::1',
  'fc00::1',
  'fdff:1::2',
  'fe80::1%eth0',
  'febf::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:192.168.0.1',
]

const PUBLIC_PEERS = [
  '203.0.113.7',
  '::ffff:203.0.113.7',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '2001:db8::1',
  'fec0::1',
]

describe('the network of a client', () => {
  test('is that of its socket without a proxy', () => {
    const { network, warnings } = finder()
    expect(network('203.0.113.7')).toBe('203.0.113.7')
    expect(network('2001:db8:1:2::7')).toBe('2001:db8:1:2')
    expect(warnings).toEqual([])
  })

  test('is that of the client behind a trusted proxy, without a warning', () => {
    const { network, warnings } = finder({ proxies: ['10.0.0.0/8', '2001:db8:ffff::/48'] })
    expect(network('10.0.0.1', { 'X-Forwarded-For': '203.0.113.7', 'X-Real-IP': '203.0.113.7' })).toBe('203.0.113.7')
    expect(network('2001:db8:ffff::1', { 'X-Forwarded-For': '198.51.100.1, 10.0.0.2' })).toBe('198.51.100.1')
    expect(network('10.0.0.1', { 'X-Forwarded-For': '192.168.1.7', 'X-Forwarded-Proto': 'https' })).toBe('192.168.1')
    expect(warnings).toEqual([])
  })

  test.each(FORWARDING)('is unknown when a peer that is not a trusted proxy sends %s', (name) => {
    for (const proxies of [[], ['10.0.0.0/8']]) {
      const { network, warnings } = finder({ proxies })
      expect(network('203.0.113.7', { [name]: '198.51.100.1' })).toBeNull()
      expect(network('203.0.113.7', { [name]: '' })).toBeNull()
      expect(warnings).toEqual([expect.stringMatching(/TRUSTED_PROXIES.*not in it sent Forwarded/)])
      expect(network('203.0.113.7')).toBe('203.0.113.7')
    }
  })

  test.each(PRIVATE_PEERS)('is unknown for the peer %s while the public origin is public', (peer) => {
    const { network, warnings } = finder()
    expect(network(peer)).toBeNull()
    expect(warnings).toEqual([expect.stringMatching(/TRUSTED_PROXIES.*private or loopback.*PUBLIC_ORIGIN is public/)])
  })

  test.each(PUBLIC_PEERS)('is known for the peer %s', (peer) => {
    const { network, warnings } = finder()
    expect(network(peer)).not.toBeNull()
    expect(warnings).toEqual([])
  })

  test.each([
    'http://localhost:3000',
    'http://nas:3000',
    'http://app.localhost',
    'https://login.internal',
    'https://login.home.arpa.',
    'http://ada-mac.local:3000',
    'http://192.168.1.23:3000',
    'http://10.0.0.1',
    'http://100.64.1.1',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
    'http://[fd00::1]',
    'http://[fe80::1]',
    'http://[::ffff:192.168.1.1]',
  ])('is known for private peers where the public origin is %s', (origin) => {
    const { network, warnings } = finder({ origin })
    expect(network('192.168.1.7')).toBe('192.168.1')
    expect(network('127.0.0.1')).toBe('127.0.0')
    expect(warnings).toEqual([])
    // Headers of a proxy make it unknown there as well.
    expect(network('192.168.1.7', { 'X-Forwarded-For': '192.168.1.9' })).toBeNull()
  })

  test.each([
    'https://login.example.com',
    'https://203.0.113.9',
    'https://[2001:db8::9]',
    'https://local.example',
    'https://login.example.com.',
  ])('is unknown for private peers where the public origin is %s', (origin) => {
    expect(finder({ origin }).network('192.168.1.7')).toBeNull()
  })

  test('is known for private peers in local mode, whatever address the machine has', () => {
    const { network, warnings } = finder({ origin: 'http://203.0.113.9:3000', more: ['http://localhost:3000'] })
    expect(network('127.0.0.1')).toBe('127.0.0')
    expect(warnings).toEqual([])
  })

  test.each([
    ['no X-Forwarded-For', {}],
    ['an empty one', { 'X-Forwarded-For': '' }],
    ['one that names proxies only', { 'X-Forwarded-For': '10.0.0.2, 10.0.0.3' }],
    ['one with an empty last entry', { 'X-Forwarded-For': '203.0.113.7, ' }],
    ['another header', { 'X-Real-IP': '203.0.113.7' }],
  ])('is unknown when a trusted proxy sends %s', (_, headers) => {
    const { network, warnings } = finder({ proxies: ['10.0.0.0/8'] })
    expect(network('10.0.0.1', headers as Record<string, string>)).toBeNull()
    expect(warnings).toEqual([expect.stringMatching(/TRUSTED_PROXIES.*sent no address of a client in X-Forwarded-For/)])
  })

  test('is unknown when X-Forwarded-For has entries before the client’s', () => {
    const { network, warnings } = finder({ proxies: ['10.0.0.0/8'] })
    expect(network('10.0.0.1', { 'X-Forwarded-For': '198.51.100.1, 203.0.113.7' })).toBeNull()
    expect(network('10.0.0.1', { 'X-Forwarded-For': 'nonsense, 203.0.113.7, 10.0.0.2' })).toBeNull()
    expect(network('10.0.0.1', { 'X-Forwarded-For': ' , 203.0.113.7' })).toBe('203.0.113.7')
    // Any client can send this, so it is no sign of a wrong setting.
    expect(warnings).toEqual([])
  })

  test('is unknown when a trusted proxy sends a malformed entry, and without a peer', () => {
    const { network, warnings } = finder({ proxies: ['10.0.0.0/8'] })
    expect(network('10.0.0.1', { 'X-Forwarded-For': 'nonsense' })).toBeNull()
    const trustedProxies = new AddressList([])
    const find = createNetworkFinder({
      trustedProxies,
      ownOrigins: new Set(['http://localhost']),
      warn: (message) => warnings.push(message),
    })
    const forged = new Headers({ 'x-qr-login-peer': '203.0.113.7', 'x-qr-login-forwarded': '' })
    expect(find(forged, traceClient(forged, trustedProxies))).toBeNull()
    expect(warnings).toEqual([])
  })

  test('stays known with the forwarding headers that a framework adds to each request', () => {
    const trustedProxies = new AddressList([])
    const find = createNetworkFinder({ trustedProxies, ownOrigins: new Set(['http://localhost']), warn: () => {} })
    const added = {
      'x-forwarded-for': '::ffff:192.168.1.7',
      'x-forwarded-host': 'localhost',
      'x-forwarded-proto': 'http',
    }
    const received = new Headers({ ...fromPeer('192.168.1.7'), ...added })
    expect(find(received, traceClient(received, trustedProxies))).toBe('192.168.1')
  })

  test('logs one warning per process, whatever the cause', () => {
    const { network, warnings } = finder({ proxies: ['10.0.0.0/8'] })
    network('203.0.113.7')
    expect(warnings).toHaveLength(0)
    for (let index = 0; index < 3; index += 1) {
      network('192.168.1.1')
      network('10.0.0.1')
      network('203.0.113.7', { Forwarded: 'for=198.51.100.1' })
    }
    expect(warnings).toHaveLength(1)
  })

  test('stays known when a client sends the internal header of our server', () => {
    const { network } = finder()
    expect(network('203.0.113.7', { 'X-Qr-Login-Forwarded': '1' })).toBe('203.0.113.7')
    expect(network('203.0.113.7', { 'X-Qr-Login-Forwarded': '', 'X-Forwarded-For': '1.1.1.1' })).toBeNull()
  })
})
