import { createHash } from 'node:crypto'

/**
 * The key of a record of oidc-provider. The id is the token itself: the store has its hash only, so
 * that a copy of the store gives no access.
 */
export function recordKeyOf(kind: string, id: string): string {
  return `${kind} ${createHash('sha256').update(id).digest('base64url')}`
}
