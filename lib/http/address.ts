import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { RateLimitKey } from '../core/rate-limit/limits'
import type { HeaderReader } from './api-request'
import { plainAddress } from './ip'
import { readPeer } from './peer'

/**
 * What a client counts by: an IPv4 address, or the prefixes of an IPv6 address, since one client
 * can hold a /48 and with it 65,536 networks (RFC 6177). Clients without a usable address (null)
 * share one key.
 */
export function rateLimitKeys(address: string | null): RateLimitKey[] {
  const plain = address === null ? null : plainAddress(address)
  if (plain === null) return [{ key: 'unknown', factor: 1 }]
  if (isIPv4(plain)) return [{ key: plain, factor: 1 }]
  const [a, b, c, d = '0'] = plain.split(':')
  const site = (Number.parseInt(d, 16) & 0xff00).toString(16)
  return [
    { key: `${a}:${b}:${c}:${d}::/64`, factor: 1 },
    { key: `${a}:${b}:${c}:${site}::/56`, factor: 4 },
    { key: `${a}:${b}:${c}::/48`, factor: 16 },
  ]
}

/** Addresses as CIDR blocks. */
export class AddressList {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean
  /** The address that was looked up last: of a proxy's requests all have one peer. */
  #last = { address: '', isIn: false }

  /** @throws RangeError for what is neither an address nor a CIDR block. */
  constructor(blocks: readonly string[]) {
    this.#isEmpty = blocks.length === 0
    for (const block of blocks) {
      const [address = '', prefix, ...rest] = block.split('/')
      const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null
      const bits = family === 'ipv4' ? 32 : 128
      const length = prefix === undefined ? bits : Number(prefix)
      const valid = family !== null && rest.length === 0 && /^\d+$/.test(prefix ?? '0') && length <= bits
      if (!valid) throw new RangeError(`${block} is not an address or a CIDR block`)
      this.#list.addSubnet(address, length, family)
    }
  }

  has(address: string): boolean {
    if (this.#isEmpty) return false
    if (address !== this.#last.address) {
      this.#last = { address, isIn: this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') }
    }
    return this.#last.isIn
  }
}

/** This machine itself. */
export const LOOPBACK = new AddressList(['127.0.0.0/8', '::1'])

/**
 * Loopback, private use, link-local, shared address space (RFC 6598), and the same of IPv6 (RFC
 * 4193, RFC 4291).
 */
const PRIVATE = new AddressList([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1',
  'fc00::/7',
  'fe80::/10',
])

/**
 * Whether an address means something within one network only. `address`: see `plainAddress`, so
 * that IPv4 in IPv6 is IPv4.
 */
export function isPrivateAddress(address: string): boolean {
  return PRIVATE.has(address)
}

/** Where the walk from the socket through the trusted proxies ends. */
export interface ClientTrace {
  /** The address of the socket; null when it is unknown. */
  peer: string | null
  /** The peer is a trusted proxy. */
  isPeerTrusted: boolean
  /** Null when there is no peer, or when a trusted proxy sent something else than an address. */
  address: string | null
  /** The address is a trusted proxy's own: it did not say which client it has. */
  isProxy: boolean
  /** Entries of `X-Forwarded-For` are left. */
  hasMore: boolean
}

/**
 * Walks from the address of the socket to that of the client: as long as it is a trusted proxy, on
 * to the last entry of `X-Forwarded-For` that has not been read. What a client writes into this
 * header itself is never reached.
 */
export function traceClient(headers: HeaderReader, trustedProxies: AddressList): ClientTrace {
  const peer = readPeer(headers)
  const isPeerTrusted = peer !== null && trustedProxies.has(peer)
  let address = peer
  const forwarded = (headers.get('x-forwarded-for') ?? '').split(',')
  while (address !== null && trustedProxies.has(address)) {
    const before = forwarded.pop()?.trim() ?? ''
    if (before === '') return { peer, isPeerTrusted, address, isProxy: true, hasMore: hasEntries(forwarded) }
    address = plainAddress(before)
  }
  return { peer, isPeerTrusted, address, isProxy: false, hasMore: hasEntries(forwarded) }
}

function hasEntries(forwarded: string[]): boolean {
  return forwarded.some((entry) => entry.trim() !== '')
}

/**
 * The client's address, at which `traceClient` ends; null when it is unknown. For limits: it may be
 * a proxy's.
 */
export function clientAddress(headers: HeaderReader, trustedProxies: AddressList): string | null {
  return traceClient(headers, trustedProxies).address
}
