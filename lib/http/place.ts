import type { ClientTrace } from './address'
import type { HeaderReader } from './api-request'
import type { FindCity } from './geo-database'

const MAX_CHARS = 64

export interface PlaceSources {
  /** The one header that is trusted, in lower case; null for none. */
  placeHeader: string | null
  /** Null without a local database. */
  findCity: FindCity | null
}

/**
 * Roughly where a request comes from: the value of `PLACE_HEADER` where the peer is a trusted
 * proxy, else the entry of the local database, else null. No other header is read, and none from
 * any other peer.
 */
export function findPlace(
  headers: HeaderReader,
  { address, isPeerTrusted }: ClientTrace,
  { placeHeader, findCity }: PlaceSources,
): string | null {
  if (placeHeader !== null && isPeerTrusted) {
    const place = toPlace(decodeField(headers.get(placeHeader) ?? ''))
    if (place !== null) return place
  }
  return findCity === null || address === null ? null : toPlace(findCity(address))
}

/** One short line for a screen, without characters that could turn it around. */
function toPlace(text: string | null): string | null {
  const line = (text ?? '').replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim()
  // By code points: half of a surrogate pair is no text, and not every parser of JSON takes it.
  return line === '' ? null : [...line].slice(0, MAX_CHARS).join('')
}

/**
 * Headers arrive as one character per byte. The bytes, and those of each %XX, are UTF-8; null when
 * they are not.
 */
function decodeField(text: string): string | null {
  const bytes = text.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return null
  }
}
