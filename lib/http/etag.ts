/** Whether `If-None-Match` names this entity tag, by weak comparison (RFC 9110, section 13.1.2). */
export function matchesEtag(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false
  const given = ifNoneMatch.split(',').map((tag) => strong(tag.trim()))
  return given.includes('*') || given.includes(strong(etag))
}

function strong(tag: string): string {
  return tag.replace(/^W\//, '')
}
