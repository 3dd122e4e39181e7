import { listDemoPeople } from '@/lib/accounts/demo'
import type { SignInFailure } from '@/lib/accounts/oidc'
import { qrLogin } from '@/lib/server/shared'
import type { SignInSources } from './phone-sign-in'

const FAILURES: readonly string[] = ['denied', 'rejected', 'unavailable'] satisfies SignInFailure[]

/** The query that the provider's callback leads back with. */
export type SignInQuery = Promise<{ sign_in?: string | string[] }>

/** The ways to sign this phone in, and how the last sign-in at the provider failed. */
export async function findSignInSources(query: SignInQuery): Promise<SignInSources> {
  const { oidc, sources, config } = qrLogin().context
  const { sign_in: failure } = await query
  return {
    provider: oidc?.name ?? null,
    providerSignOutUrl: oidc?.signOutUrl() ?? null,
    demoAccounts: config.demoAccounts
      ? listDemoPeople().map(({ username, name, avatarUrl }) => ({ username, name, avatarUrl }))
      : [],
    hasPasswords: sources.some(({ kind }) => kind === 'password'),
    hasPasskeys: sources.some(({ kind }) => kind === 'passkey'),
    site: config.sessionUrl === null ? null : new URL(config.sessionUrl).host,
    failure: typeof failure === 'string' && FAILURES.includes(failure) ? (failure as SignInFailure) : null,
  }
}
