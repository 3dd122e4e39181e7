const CODE = /^[A-Za-z0-9_-]{16,64}$/

/**
 * The code in a scanned or pasted text. Null if the text is not a link to `/q` on one of
 * `ownOrigins`: the public origin, and the origin of this page.
 */
export function findCode(text: string, ownOrigins: readonly string[]): string | null {
  const trimmed = text.trim()
  if (!URL.canParse(trimmed)) return null
  const { origin, pathname, search, hash } = new URL(trimmed)
  const isOurs = ownOrigins.includes(origin) && pathname === '/q' && search === ''
  const code = hash.slice(1)
  return isOurs && CODE.test(code) ? code : null
}
