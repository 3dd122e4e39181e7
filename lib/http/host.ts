import { isIP } from 'node:net'
import { isPrivateAddress } from './address'
import { plainAddress } from './ip'

/** A name or an address, with a port or without (RFC 9110, section 7.2). */
const HOST = /^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d+)?$/i

/**
 * Never delegated in the public DNS: RFC 6761, RFC 6762, RFC 8375, and `.internal`, which ICANN has
 * set aside.
 */
const SPECIAL_USE = /\.(localhost|test|local|internal|home\.arpa)$/

/**
 * Whether a request was made under a name that is not ours. A page under a name that an attacker
 * has pointed at our address (DNS rebinding) is same-origin to itself and runs in the victim's
 * network; to such a name nothing is here. Addresses, names without a dot, as of a proxy's
 * upstream, and names for special use, as of machines in a house or a cluster, are not in
 * the public DNS. Nothing is ever built from the Host. `ownNames`: host names without ports.
 */
export function isForeignHost(host: string | undefined, ownNames: ReadonlySet<string>): boolean {
  if (host === undefined || host === '') return false
  if (host !== last.host || ownNames !== last.ownNames) last = { host, ownNames, isForeign: judge(host, ownNames) }
  return last.isForeign
}

/** What was judged last: nearly all requests come under one name. */
let last: { host: string; ownNames: ReadonlySet<string> | null; isForeign: boolean } = {
  host: '',
  ownNames: null,
  isForeign: false,
}

function judge(host: string, ownNames: ReadonlySet<string>): boolean {
  if (!HOST.test(host) || !URL.canParse(`http://${host}`)) return true
  const { hostname } = new URL(`http://${host}`)
  const name = hostname.replace(/\.$/, '')
  if (isIP(withoutBrackets(name)) !== 0 || isSpecialName(name)) return false
  return !ownNames.has(name)
}

/**
 * Whether a host is reached within one network only: a private or loopback address, or a name that
 * the public DNS does not have. `hostname`: as `URL` gives it, IPv6 in brackets.
 */
export function isPrivateHost(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '')
  const address = plainAddress(withoutBrackets(name))
  return address === null ? isSpecialName(name) : isPrivateAddress(address)
}

/** Host names without ports, as `isForeignHost` needs them: ours, and ours with those of apps. */
export function listNames(
  origins: Iterable<string>,
  appHosts: readonly string[] | null,
): { ownNames: ReadonlySet<string>; appNames: ReadonlySet<string> } {
  const ownNames = new Set([...origins].map((origin) => new URL(origin).hostname))
  if (appHosts === null) return { ownNames, appNames: ownNames }
  return { ownNames, appNames: new Set([...ownNames, ...appHosts.map((host) => new URL(`http://${host}`).hostname)]) }
}

function isSpecialName(name: string): boolean {
  return !name.includes('.') || SPECIAL_USE.test(name)
}

function withoutBrackets(name: string): string {
  return name.replace(/^\[|\]$/g, '')
}
