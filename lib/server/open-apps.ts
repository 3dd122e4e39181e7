import { AppHosts } from '../apps/app-hosts'
import { AppRequests } from '../apps/app-requests'
import { AppSignIns } from '../apps/app-sign-ins'
import { Apps } from '../apps/apps'
import type { ClientRegistry } from '../apps/client-registry'
import { ForwardAuth } from '../apps/forward-auth'
import { Authorizations } from '../apps/oidc/authorizations'
import { BackchannelLogout } from '../apps/oidc/backchannel-logout'
import { Consents } from '../apps/oidc/consents'
import { DeviceCodes } from '../apps/oidc/device-codes'
import { OidcServer } from '../apps/oidc/oidc-server'
import { SigningKeys } from '../apps/oidc/signing-keys'
import type { OutboxTarget } from '../apps/outbox/target'
import type { Attempts } from '../core/attempt/attempts'
import type { Audit } from '../core/audit'
import type { Keyring } from '../core/keys'
import type { Limiter } from '../core/rate-limit/limiter'
import type { Sessions } from '../core/session/sessions'
import type { Store } from '../core/store'
import { outboundFetch } from './account-sources'
import type { Config } from './config'
import type { Log } from './log'

export interface AppsParts {
  /** Null: there are no OpenID clients. */
  registry: ClientRegistry | null
  store: Store
  attempts: Attempts
  limiter: Limiter
  sessions: Sessions
  audit: Audit
  now: () => number
  wall: () => number
  randomBytes: (size: number) => Buffer
  keys: Keyring
  log: Pick<Log, 'error' | 'warn'>
}

interface OpenedApps {
  apps: Apps | null
  forwardAuth: ForwardAuth | null
  appSignIns: AppSignIns | null
  /** What is told of the ends of sessions. */
  targets: readonly OutboxTarget[]
}

const ID_BYTES = 24

/** The apps that people sign in to. Nothing is opened for settings that are not there. */
export function openApps(config: Config, parts: AppsParts): OpenedApps {
  const { store, now, registry } = parts
  const requests = new AppRequests({ records: store, now })
  const opened = registry === null ? null : openClientApps(config, { ...parts, registry, requests })
  const apps = opened?.apps ?? null
  const forwardAuth = config.forwardAuthHosts === null ? null : openForwardAuth(config, parts, requests)
  const appSignIns = apps === null && forwardAuth === null ? null : new AppSignIns({ requests, apps })
  return { apps, forwardAuth, appSignIns, targets: opened === null ? [] : [opened.backchannelLogout] }
}

function openForwardAuth(
  { forwardAuthHosts, publicOrigin }: Config,
  parts: AppsParts,
  requests: AppRequests,
): ForwardAuth {
  const { randomBytes, log, store } = parts
  const scheme = publicOrigin.startsWith('https:') ? 'https:' : 'http:'
  return new ForwardAuth({
    ...parts,
    records: store,
    hosts: new AppHosts(forwardAuthHosts ?? [], scheme),
    publicOrigin,
    requests,
    newSecret: () => randomBytes(32).toString('base64url'),
    warn: (message) => log.warn(message),
  })
}

/** The apps of `CLIENTS_FILE`. Their keys are read or made in the background. */
function openClientApps(
  config: Config,
  parts: AppsParts & { registry: ClientRegistry; requests: AppRequests },
): { apps: Apps; backchannelLogout: BackchannelLogout } {
  const { secrets, publicOrigin, lifetimes, sessionLifetimes } = config
  const { registry, store: records, limiter, now, wall, randomBytes, log } = parts
  const signingKeys = new SigningKeys({ records, secrets, now, randomBytes })
  const newId = () => randomBytes(ID_BYTES).toString('base64url')
  const authorizations = new Authorizations({ records, now, newId })
  const consents = new Consents({ records, now })
  const deviceCodes = new DeviceCodes({ ...parts, records, authorizations, consents, lifetimes })
  const server = new OidcServer({
    ...parts,
    records,
    publicOrigin,
    authorizations,
    consents,
    deviceCodes,
    countRefresh: (grantId) => limiter.refresh(grantId),
    signingKeys,
    lifetimes: { session: sessionLifetimes, attempt: lifetimes },
    onError: (error) => log.error({ err: error }, 'the signing keys could not be read'),
  })
  const issuer = `${publicOrigin}/oidc`
  const fetch = outboundFetch(config)
  return {
    apps: new Apps({ ...parts, server, consents, authorizations, deviceCodes }),
    backchannelLogout: new BackchannelLogout({ registry, authorizations, signingKeys, issuer, fetch, wall }),
  }
}
