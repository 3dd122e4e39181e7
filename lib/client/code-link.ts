import { parseShortCode } from '../core/attempt/short-code'

const CODE = /^[A-Za-z0-9_-]{16,64}$/

/**
 * The code in a scanned or pasted text. Null if the text is not a link to `/q`, or with
 * the code of a device to `/device`, on one of `ownOrigins`: the public origin, and the origin of
 * this page.
 */
export function findCode(text: string, ownOrigins: readonly string[]): string | null {
  const trimmed = text.trim()
  if (!URL.canParse(trimmed)) return null
  const { origin, pathname, search, hash } = new URL(trimmed)
  if (!ownOrigins.includes(origin) || search !== '') return null
  const code = hash.slice(1)
  if (pathname === '/device') return parseShortCode(code) === null ? null : code
  return pathname === '/q' && CODE.test(code) ? code : null
}
