const CODE = /^[A-Za-z0-9_-]{16,64}$/

/**
 * The code in a scanned or pasted text: our own link, on the public origin or on the one that this
 * page was opened under. Null for everything else, which is shown as text and never opened.
 */
export function findCode(text: string, ownOrigins: readonly string[]): string | null {
  const trimmed = text.trim()
  if (!URL.canParse(trimmed)) return null
  const { origin, pathname, search, hash } = new URL(trimmed)
  const isOurs = ownOrigins.includes(origin) && pathname === '/q' && search === ''
  const code = hash.slice(1)
  return isOurs && CODE.test(code) ? code : null
}
