import { PASSKEY_ID } from '../core/account/passkey'
import { ATTEMPT_ID } from '../core/attempt/code'
import { SESSION_ID } from '../core/attempt/tokens'
import { ProtocolError } from '../core/errors'

/**
 * Before the store is read: what cannot be an id of ours is unknown.
 * @throws ProtocolError `not_found`.
 */
export function requireWellFormed(route: string, { id }: Readonly<Record<string, string>>): void {
  if (id === undefined) return
  if (!idPatternOf(route).test(id)) throw new ProtocolError('not_found')
}

/** In a path, encoded. */
const CLIENT_ID = /^[\x21-\x7e]{1,384}$/
const INTERACTION_ID = /^[\w-]{43}$/
const OF_INTERACTIONS = /^\/(oidc|api\/interactions|authz\/sign-in)\//

/** What an `{id}` of a route may be. */
export function idPatternOf(route: string): RegExp {
  if (route.startsWith('/api/qr/')) return ATTEMPT_ID
  if (route.startsWith('/api/passkeys/')) return PASSKEY_ID
  if (route.startsWith('/api/apps/')) return CLIENT_ID
  return OF_INTERACTIONS.test(route) ? INTERACTION_ID : SESSION_ID
}
