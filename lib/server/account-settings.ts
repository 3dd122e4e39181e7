import { isIP } from 'node:net'
import type { OidcSettings } from '../accounts/oidc'
import type { RelyingParty } from '../accounts/passkeys'
import type { VerifyUrlSettings } from '../accounts/verify-url'
import type { WebhookSettings } from '../apps/outbox/webhooks'
import type { BearerSettings } from '../auth/bearer'
import type { Settings } from './settings'

/** Validates combinations of settings of accounts and webhooks, and converts them. */

type Given = Record<string, string | undefined>
type Problems = { name: string; problem: string }[]

export function oidcProblems(given: Given): Problems {
  const required = ['ACCOUNTS_OIDC_ISSUER', 'ACCOUNTS_OIDC_CLIENT_ID']
  const named = [...required, 'ACCOUNTS_OIDC_CLIENT_SECRET'].find((name) => given[name] !== undefined)
  if (named === undefined) return []
  const missing = required.filter((name) => given[name] === undefined)
  return missing.map((name) => ({ name, problem: `required with ${named}: the team's OpenID provider` }))
}

export function toOidc(data: Settings): OidcSettings | null {
  const { ACCOUNTS_OIDC_ISSUER: issuer, ACCOUNTS_OIDC_CLIENT_ID: clientId } = data
  if (issuer === undefined || clientId === undefined) return null
  return {
    issuer,
    clientId,
    clientSecret: data.ACCOUNTS_OIDC_CLIENT_SECRET ?? null,
    scopes: data.ACCOUNTS_OIDC_SCOPES,
    name: data.ACCOUNTS_OIDC_NAME ?? new URL(issuer).host,
    idClaim: data.ACCOUNTS_OIDC_ID_CLAIM,
    groupsClaim: data.ACCOUNTS_OIDC_GROUPS_CLAIM,
  }
}

export function verifyProblems(given: Given): Problems {
  const names = ['ACCOUNTS_VERIFY_URL', 'ACCOUNTS_VERIFY_SECRET']
  const missing = names.filter((name) => given[name] === undefined)
  if (missing.length !== 1) return []
  return missing.map((name) => ({ name, problem: 'required with the other ACCOUNTS_VERIFY setting' }))
}

export function toVerifyUrl({
  ACCOUNTS_VERIFY_URL: url,
  ACCOUNTS_VERIFY_SECRET: secret,
}: Settings): VerifyUrlSettings | null {
  return url === undefined || secret === undefined ? null : { url, secret }
}

export function webhookProblems(given: Given): Problems {
  const names = ['WEBHOOK_URL', 'WEBHOOK_SECRET']
  const missing = names.filter((name) => given[name] === undefined)
  if (missing.length !== 1) return []
  return missing.map((name) => ({ name, problem: 'required with the other WEBHOOK setting' }))
}

export function toWebhook({ WEBHOOK_URL: url, WEBHOOK_SECRET: keys }: Settings): WebhookSettings | null {
  return url === undefined || keys === undefined ? null : { url, keys }
}

/** Confirming with passkeys needs passkeys, which need an origin that browsers allow them for. */
export function passkeyProblems(given: Given, origins: readonly string[]): Problems {
  const { PASSKEYS: passkeys, CONFIRM_POLICY: policy = 'tap' } = given
  const needing = passkeys === 'on' ? 'PASSKEYS' : policy === 'tap' ? null : 'CONFIRM_POLICY'
  if (needing === null) return []
  if (passkeys === 'off') return [{ name: 'CONFIRM_POLICY', problem: 'needs passkeys: PASSKEYS is off' }]
  if (toRelyingParty(given.PASSKEYS, origins) !== null) return []
  return [{ name: needing, problem: 'passkeys need an https PUBLIC_ORIGIN with a host name, or http://localhost' }]
}

/**
 * The first of our origins that browsers allow passkeys for: https with a host name, or localhost.
 * Null: there is none, or they are switched off.
 */
export function toRelyingParty(passkeys: string | undefined, origins: readonly string[]): RelyingParty | null {
  if (passkeys === 'off') return null
  const origin = origins.filter((each) => URL.canParse(each)).find(isForPasskeys)
  return origin === undefined ? null : { id: new URL(origin).hostname, name: new URL(origin).hostname, origin }
}

function isForPasskeys(origin: string): boolean {
  const { protocol, hostname } = new URL(origin)
  const isAddress = hostname.startsWith('[') || isIP(hostname) !== 0
  return (protocol === 'https:' && !isAddress && !hostname.endsWith('.')) || hostname === 'localhost'
}

export function bearerProblems(given: Given): Problems {
  const keys = ['PHONE_JWT_SECRET', 'PHONE_JWKS_URL'].filter((name) => given[name] !== undefined)
  const claims = ['PHONE_JWT_ISSUER', 'PHONE_JWT_AUDIENCE'].filter((name) => given[name] !== undefined)
  const needsKeys = claims.length > 0 || given.API_SIGNING_SECRET !== undefined
  const rows: Problems = []
  if (keys.length > 1)
    rows.push({ name: 'PHONE_JWKS_URL', problem: 'cannot be set beside PHONE_JWT_SECRET: one kind of key' })
  if (keys.length === 0 && needsKeys) {
    rows.push({ name: 'PHONE_JWT_SECRET', problem: 'required, or PHONE_JWKS_URL: what bearer tokens are checked with' })
  }
  for (const name of ['PHONE_JWT_ISSUER', 'PHONE_JWT_AUDIENCE']) {
    if (keys.length > 0 && given[name] === undefined) {
      rows.push({ name, problem: `required with ${keys[0]}: what tokens have to say` })
    }
  }
  return rows
}

export function toBearer(data: Settings): BearerSettings | null {
  const {
    PHONE_JWT_SECRET: secrets,
    PHONE_JWKS_URL: url,
    PHONE_JWT_ISSUER: issuer,
    PHONE_JWT_AUDIENCE: audience,
  } = data
  if (issuer === undefined || audience === undefined) return null
  if (secrets !== undefined) return { key: { secrets }, issuer, audience }
  return url === undefined ? null : { key: { keySetUrl: url }, issuer, audience }
}
