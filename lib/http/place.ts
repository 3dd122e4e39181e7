import { plainAddress } from '../attempt/risk'
import { type AddressList, clientAddress, PEER_HEADER } from './address'
import type { HeaderReader } from './api-request'
import type { FindCity } from './geo-database'

const MAX_CHARS = 64

/** How each platform tells the city of the client. */
const PLATFORM_HEADERS = { 'x-vercel-ip-city': decodePercent, 'cf-ipcity': decodeBytes }

/**
 * Roughly where a request comes from, or null: as the platform in front of us says, if that is a trusted proxy, else as the local
 * database does. What a client writes into these headers itself is not read.
 */
export function findPlace(
  headers: HeaderReader,
  trustedProxies: AddressList,
  findCity: FindCity | null,
): string | null {
  const peer = plainAddress(headers.get(PEER_HEADER) ?? '')
  if (peer !== null && trustedProxies.has(peer)) {
    for (const [name, decode] of Object.entries(PLATFORM_HEADERS)) {
      const place = toPlace(decode(headers.get(name) ?? ''))
      if (place !== null) return place
    }
  }
  const address = findCity === null ? null : clientAddress(headers, trustedProxies)
  return findCity === null || address === null ? null : toPlace(findCity(address))
}

/** One short line for a screen, without characters that could turn it around. */
function toPlace(text: string | null): string | null {
  const line = (text ?? '').replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim()
  return line === '' ? null : line.slice(0, MAX_CHARS)
}

function decodePercent(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** Headers arrive as one character per byte; the bytes are UTF-8. */
function decodeBytes(text: string): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'latin1'))
  } catch {
    return null
  }
}
