import { randomBytes } from 'node:crypto'
import type { ApiRequest, HeaderReader } from './api-request'
import { plainAddress } from './ip'

/** Carries the address of the socket to the handlers, which see headers alone. */
export const PEER_HEADER = 'x-qr-login-peer'

/** Set beside the peer when the client, or a proxy in front of us, sent headers of a proxy. */
const FORWARDED_HEADER = 'x-qr-login-forwarded'

/** Made once per process: Next loads this module several times, each in a graph of its own. */
const SECRET = Symbol.for('qr-login.peer-secret')
const holder = globalThis as { [SECRET]?: string }
holder[SECRET] ??= randomBytes(16).toString('base64url')

/** What begins a value that this process has written. No client knows it. */
const PREFIX = `${holder[SECRET]} `

/** A header field of a request, or all lines of one. Names are in lower case. */
type RawHeaders = Record<string, string | string[] | undefined>

/**
 * Writes the address of a request's socket into its headers, in place of whatever the client sent
 * under that name, and whether the peer sent headers of a proxy. The HTTP server calls this before
 * a framework sees the request: Next adds `X-Forwarded-*` to each. `address`: undefined when the
 * socket is gone.
 */
export function writePeer(headers: RawHeaders, address: string | undefined): void {
  if (Object.keys(headers).some(isOfProxy)) headers[FORWARDED_HEADER] = '1'
  else delete headers[FORWARDED_HEADER]
  headers[PEER_HEADER] = PREFIX + (address ?? '')
}

/**
 * The address that this process's `writePeer` has written: without zone, IPv4 as IPv4. Null when
 * there is none, be it that the request did not come through our server or that a client sent the
 * header itself.
 */
export function readPeer(headers: HeaderReader): string | null {
  const value = headers.get(PEER_HEADER)
  if (value === null) return null
  if (value !== last.value) {
    last = { value, address: value.startsWith(PREFIX) ? plainAddress(value.slice(PREFIX.length)) : null }
  }
  return last.address
}

/** The last result: several checks of one request need it. */
let last: { value: string; address: string | null } = { value: '', address: null }

/**
 * The request as if it had come from a socket with this address. What proxies have added is
 * dropped: the caller has found the client's address.
 */
export function withPeer(request: ApiRequest & { headers: Headers }, address: string): ApiRequest {
  const fields = Object.fromEntries([...request.headers].filter(([name]) => !isOfProxy(name)))
  writePeer(fields, address)
  const { method, url, body, signal } = request
  return { method, url, headers: new Headers(fields), body, signal }
}

/**
 * Whether the peer sent `Forwarded`, `X-Forwarded-*` or `X-Real-IP`. Means nothing where `readPeer`
 * returns null.
 */
export function isForwarded(headers: HeaderReader): boolean {
  return headers.has(FORWARDED_HEADER)
}

function isOfProxy(name: string): boolean {
  return name.startsWith('x-forwarded-') || name === 'forwarded' || name === 'x-real-ip'
}
