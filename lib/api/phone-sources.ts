import { json } from '../http/answer'
import { type Call, resource } from '../http/resource'
import type { ApiContext } from './context'

/** A way to sign a phone in. `name`: the provider's, in the team's words. */
export type PhoneSource = { kind: 'oidc'; name: string } | { kind: 'password' | 'site' | 'passkey' | 'demo' }

/** `GET /api/phone/sources`: the ways to sign a phone in, in the order they are offered. */
export const phoneSources = resource('/api/phone/sources', {
  GET: async (_: Call, context: ApiContext) => json({ sources: listPhoneSources(context) }),
})

function listPhoneSources({ oidc, siteSession, passkeys, hasPasswords, hasDemoAccounts }: ApiContext): PhoneSource[] {
  return [
    ...(oidc === null ? [] : [{ kind: 'oidc', name: oidc.name } as const]),
    ...(hasPasswords ? [{ kind: 'password' } as const] : []),
    ...(siteSession === null ? [] : [{ kind: 'site' } as const]),
    ...(passkeys === null ? [] : [{ kind: 'passkey' } as const]),
    ...(hasDemoAccounts ? [{ kind: 'demo' } as const] : []),
  ]
}
