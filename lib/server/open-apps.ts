import { AppHosts } from '../apps/app-hosts'
import { AppRequests } from '../apps/app-requests'
import { AppSignIns } from '../apps/app-sign-ins'
import { Apps } from '../apps/apps'
import type { ClientRegistry } from '../apps/client-registry'
import { ForwardAuth } from '../apps/forward-auth'
import { Authorizations } from '../apps/oidc/authorizations'
import { Consents } from '../apps/oidc/consents'
import { OidcServer } from '../apps/oidc/oidc-server'
import { SigningKeys } from '../apps/oidc/signing-keys'
import type { Audit } from '../core/audit'
import type { Keyring } from '../core/keys'
import type { RecordStore } from '../core/record-store'
import type { Sessions } from '../core/session/sessions'
import type { Config } from './config'
import type { Log } from './log'

export interface AppsParts {
  /** Null: there are no OpenID clients. */
  registry: ClientRegistry | null
  records: RecordStore
  sessions: Sessions
  audit: Audit
  now: () => number
  randomBytes: (size: number) => Buffer
  keys: Keyring
  log: Pick<Log, 'error' | 'warn'>
}

interface OpenedApps {
  apps: Apps | null
  forwardAuth: ForwardAuth | null
  appSignIns: AppSignIns | null
}

const ID_BYTES = 24

/** The apps that people sign in to. Nothing is opened for settings that are not there. */
export function openApps(config: Config, parts: AppsParts): OpenedApps {
  const { records, now, registry } = parts
  const requests = new AppRequests({ records, now })
  const apps = registry === null ? null : openClientApps(config, { ...parts, registry, requests })
  const forwardAuth = config.forwardAuthHosts === null ? null : openForwardAuth(config, parts, requests)
  const appSignIns = apps === null && forwardAuth === null ? null : new AppSignIns({ requests, apps })
  return { apps, forwardAuth, appSignIns }
}

function openForwardAuth(
  { forwardAuthHosts, publicOrigin }: Config,
  parts: AppsParts,
  requests: AppRequests,
): ForwardAuth {
  const { randomBytes, log } = parts
  const scheme = publicOrigin.startsWith('https:') ? 'https:' : 'http:'
  return new ForwardAuth({
    ...parts,
    hosts: new AppHosts(forwardAuthHosts ?? [], scheme),
    publicOrigin,
    requests,
    newSecret: () => randomBytes(32).toString('base64url'),
    warn: (message) => log.warn(message),
  })
}

/** The apps of `CLIENTS_FILE`. Their keys are read or made when the first app asks. */
function openClientApps(
  { secrets, publicOrigin, lifetimes, sessionLifetimes }: Config,
  parts: AppsParts & { registry: ClientRegistry; requests: AppRequests },
): Apps {
  const { registry, records, requests, sessions, now, randomBytes, audit, log } = parts
  const authorizations = new Authorizations({
    records,
    now,
    newId: () => randomBytes(ID_BYTES).toString('base64url'),
  })
  const consents = new Consents({ records, now })
  const server = new OidcServer({
    registry,
    records,
    sessions,
    now,
    onError: (error) => log.error({ err: error }, 'the signing keys could not be read'),
    publicOrigin,
    authorizations,
    consents,
    requests,
    signingKeys: new SigningKeys({ records, secrets, now, randomBytes }),
    lifetimes: { session: sessionLifetimes, attemptMs: lifetimes.attemptMs },
  })
  return new Apps({ registry, server, requests, consents, authorizations, sessions, audit })
}
