/**
 * The token of an `Authorization: Bearer` header; '' when it is malformed, null when there is no
 * such header.
 */
export function parseBearer(authorization: string | null): string | null {
  if (authorization === null || !/^bearer(\s|$)/i.test(authorization)) return null
  return /^bearer +([\w.~+/=-]+)$/i.exec(authorization)?.[1] ?? ''
}
