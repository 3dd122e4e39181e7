import { writePeer } from '../../lib/http/peer'

/**
 * Headers as our server hands them over: names in lower case, and the address of the peer. For
 * tests only.
 */
export function fromPeer(address: string | undefined, headers: Record<string, string> = {}): Record<string, string> {
  const given = Object.fromEntries(new Headers(headers))
  writePeer(given, address)
  return given
}
