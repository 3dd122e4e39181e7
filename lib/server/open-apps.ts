import { AppRequests } from '../apps/app-requests'
import { Apps } from '../apps/apps'
import type { ClientRegistry } from '../apps/client-registry'
import { Authorizations } from '../apps/oidc/authorizations'
import { BackchannelLogout } from '../apps/oidc/backchannel-logout'
import { Consents } from '../apps/oidc/consents'
import { DeviceCodes } from '../apps/oidc/device-codes'
import { OidcServer } from '../apps/oidc/oidc-server'
import { SigningKeys } from '../apps/oidc/signing-keys'
import type { Attempts } from '../core/attempt/attempts'
import type { Audit } from '../core/audit'
import type { Limiter } from '../core/rate-limit/limiter'
import type { Sessions } from '../core/session/sessions'
import type { Store } from '../core/store'
import { outboundFetch } from './account-sources'
import type { Config } from './config'

export interface AppsParts {
  registry: ClientRegistry
  store: Store
  attempts: Attempts
  limiter: Limiter
  sessions: Sessions
  audit: Audit
  now: () => number
  wall: () => number
  randomBytes: (size: number) => Buffer
  onError: (error: unknown) => void
}

const ID_BYTES = 24

/** The apps of `CLIENTS_FILE`. Their keys are read or made in the background. */
export function openApps(config: Config, parts: AppsParts): { apps: Apps; backchannelLogout: BackchannelLogout } {
  const { secrets, publicOrigin, lifetimes, sessionLifetimes } = config
  const { registry, store: records, limiter, now, wall, randomBytes } = parts
  const countRefresh = (grantId: string) => limiter.refresh(grantId)
  const signingKeys = new SigningKeys({ records, secrets, now, randomBytes })
  const authorizations = new Authorizations({
    records,
    now,
    newId: () => randomBytes(ID_BYTES).toString('base64url'),
  })
  const consents = new Consents({ records, now })
  const requests = new AppRequests({ records, now })
  const deviceCodes = new DeviceCodes({ ...parts, records, authorizations, consents, lifetimes })
  const server = new OidcServer({
    ...parts,
    records,
    publicOrigin,
    authorizations,
    consents,
    requests,
    deviceCodes,
    countRefresh,
    signingKeys,
    lifetimes: { session: sessionLifetimes, attempt: lifetimes },
  })
  const issuer = `${publicOrigin}/oidc`
  const fetch = outboundFetch(config)
  return {
    apps: new Apps({ ...parts, server, requests, consents, authorizations, deviceCodes }),
    backchannelLogout: new BackchannelLogout({ registry, authorizations, signingKeys, issuer, fetch, wall }),
  }
}
