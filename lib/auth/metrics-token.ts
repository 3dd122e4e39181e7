import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether the token is one of these. Takes as long for a wrong one, wherever it is wrong. */
export function isOneOf(tokens: readonly string[], given: string): boolean {
  const hash = sha256(given)
  return tokens.map((token) => timingSafeEqual(sha256(token), hash)).includes(true)
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
