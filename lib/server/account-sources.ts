import { findPersonByPassword as findDemoPerson, isDemoName } from '../accounts/demo'
import { OidcProvider, type OidcSettings } from '../accounts/oidc'
import { VerifyUrl } from '../accounts/verify-url'
import type { FindPersonByPassword, PhoneSource } from '../core/account/person'
import { createOutboundFetch, type OutboundFetch } from '../http/outbound'
import type { Config } from './config'
import type { ProcessLog } from './log'

/** The team's OpenID provider. Its metadata is fetched at once, in the background. */
export function createOidc(
  { publicOrigin, outboundAllow }: Config,
  settings: OidcSettings,
  log: ProcessLog,
  monotonicMs: () => number,
): OidcProvider {
  const provider = new OidcProvider({
    settings,
    redirectUri: `${publicOrigin}/api/phone/session/oidc/callback`,
    signedOutUri: `${publicOrigin}/phone`,
    fetch: outboundFetch({ outboundAllow }),
    monotonicMs,
    onError: (error) => log.warn({ err: error }, 'the OpenID provider'),
  })
  void provider.warmUp()
  return provider
}

/** Requests to other servers, as the settings allow them. */
export function outboundFetch({ outboundAllow }: Pick<Config, 'outboundAllow'>): OutboundFetch {
  return createOutboundFetch({ allow: outboundAllow })
}

/** Names of demo people are theirs: the operator's endpoint is not requested for them. */
export function createPasswordSource(config: Config, wall: () => number): FindPersonByPassword {
  const { demoAccounts, verifyUrl: settings } = config
  const verifyUrl = settings === null ? null : new VerifyUrl({ settings, fetch: outboundFetch(config), wall })
  return async (username, password) =>
    demoAccounts && isDemoName(username)
      ? await findDemoPerson(username, password)
      : verifyUrl === null
        ? null
        : await verifyUrl.findPerson(username, password)
}

/** Logged at the start where only passkeys, which a signed-in phone adds, could sign a phone in. */
export const NO_SOURCES = 'no account source is set up: phones can only sign in with passkeys that exist already'

/** The ways to sign a phone in that the settings name, in the order they are offered. */
export function listSources({ oidc, verifyUrl, sessionUrl, relyingParty, demoAccounts }: Config): PhoneSource[] {
  return [
    ...(oidc === null ? [] : [{ kind: 'oidc', name: oidc.name } as const]),
    ...(verifyUrl === null ? [] : [{ kind: 'password' } as const]),
    ...(sessionUrl === null ? [] : [{ kind: 'site' } as const]),
    ...(relyingParty === null ? [] : [{ kind: 'passkey' } as const]),
    ...(demoAccounts ? [{ kind: 'demo' } as const] : []),
  ]
}
