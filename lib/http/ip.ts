import { isIP, isIPv4 } from 'node:net'

/**
 * What two devices in one household share: the public IPv4 address, the /64 of an IPv6 address, and
 * of private and loopback IPv4 addresses the /24, which is what a server inside the house sees.
 * Null when it is not an address.
 */
export function networkOf(address: string | null): string | null {
  const plain = address === null ? null : plainAddress(address)
  if (plain === null) return null
  if (isIPv4(plain)) return isPrivateIPv4(plain) ? plain.slice(0, plain.lastIndexOf('.')) : plain
  return expandIPv6(plain).slice(0, 4).join(':')
}

/** Without zone and IPv4-in-IPv6 wrapping; null when it is not an address. */
export function plainAddress(address: string): string | null {
  const bare = address.split('%', 1)[0] ?? ''
  if (isIPv4(bare)) return bare
  if (isIP(bare) === 0) return null
  const groups = expandIPv6(bare)
  if (groups.slice(0, 5).some((group) => group !== '0') || groups[5] !== 'ffff') return groups.join(':')
  const [high, low] = groups.slice(6).map((group) => Number.parseInt(group, 16)) as [number, number]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function isPrivateIPv4(address: string): boolean {
  const [a, b] = address.split('.').map(Number) as [number, number]
  return (
    a === 10 || a === 127 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168) || (a === 169 && b === 254)
  )
}

/**
 * Eight groups without leading zeros. URL parsing normalises every spelling, dotted tails included.
 */
function expandIPv6(address: string): string[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  if (tail === undefined) return left
  const right = tail === '' ? [] : tail.split(':')
  return [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
}
