import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { networkOf, plainAddress } from '../attempt/risk'
import type { HeaderReader } from './api-request'

/**
 * Carries the address of the socket from the server to the handlers. Set by the server on every request, whatever
 * the client sent under this name (`instrumentation-node.ts`).
 */
export const PEER_HEADER = 'x-qr-login-peer'

/** Whom a limit counts for: an IPv4 address, the /64 of an IPv6 address; all who have no usable address are one. */
export function limitedAs(address: string | null): string {
  if (address === null) return 'unknown'
  return isIPv4(address) ? address : (networkOf(address) ?? 'unknown')
}

/** Addresses as CIDR blocks. */
export class AddressList {
  readonly #list = new BlockList()

  /** @throws RangeError for what is neither an address nor a CIDR block. */
  constructor(blocks: readonly string[]) {
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
    return this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
}

/**
 * Who is asking: the socket's address, or, as long as that is a trusted proxy, what it says of the one before, walked
 * from the right. What a client writes into `X-Forwarded-For` itself is never reached. Null when it cannot be known.
 */
export function clientAddress(headers: HeaderReader, trustedProxies: AddressList): string | null {
  let address = plainAddress(headers.get(PEER_HEADER) ?? '')
  const forwarded = (headers.get('x-forwarded-for') ?? '').split(',')
  while (address !== null && trustedProxies.has(address)) {
    const before = forwarded.pop()?.trim()
    if (before === undefined || before === '') return address
    address = plainAddress(before)
  }
  return address
}
