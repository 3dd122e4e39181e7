import type { OidcProvider } from '../accounts/oidc'
import type { Passkeys } from '../accounts/passkeys'
import type { SiteSession } from '../accounts/site-session'
import type { AppSignIns } from '../apps/app-sign-ins'
import type { Apps } from '../apps/apps'
import type { ForwardAuth } from '../apps/forward-auth'
import type { AuthContext } from '../auth/identity'
import type { FindPersonByPassword, PhoneSource } from '../core/account/person'
import type { Attempts } from '../core/attempt/attempts'
import type { Keyring } from '../core/keys'
import type { AddressList, ClientTrace } from '../http/address'
import type { AdmissionControl } from '../http/admission-control'
import type { HeaderReader } from '../http/api-request'
import type { FindNetwork } from '../http/client-network'
import type { HttpContext } from '../http/resource'
import type { AccountStreams } from '../realtime/account-streams'
import type { AttemptStreams } from '../realtime/attempt-streams'
import type { ConnectionRegistry } from '../realtime/connections'

/** What handlers are given: everything they use, built once by `createQrLogin`. */
export interface ApiContext extends HttpContext, AuthContext {
  attempts: Attempts
  /** Whether reads of attempts are admitted while the process is saturated. */
  admission: AdmissionControl
  connections: ConnectionRegistry
  attemptStreams: AttemptStreams
  accountStreams: AccountStreams
  findNetwork: FindNetwork
  /** Roughly where a client is, for people to read; null when it is unknown. */
  findPlace: (headers: HeaderReader, client: ClientTrace) => string | null
  findPersonByPassword: FindPersonByPassword
  /** The team's OpenID provider; null where the settings name none. */
  oidc: OidcProvider | null
  /** The session at the team's own site; null where the settings name none. */
  siteSession: SiteSession | null
  /** Null where `CLIENTS_FILE` is not set. */
  apps: Apps | null
  /** Null where `FORWARD_AUTH_HOSTS` is not set. */
  forwardAuth: ForwardAuth | null
  /** The requests of both that wait for a sign-in. Null where there are neither. */
  appSignIns: AppSignIns | null
  keys: Keyring
  /** Null where there are none: see `relyingPartyOf`. */
  passkeys: Passkeys | null
  /** The ways to sign a phone in, in the order they are offered. */
  sources: readonly PhoneSource[]
  publicOrigin: string
  /** How long an attempt waits for a scan. */
  attemptMs: number
  /** Epoch ms. */
  now: () => number
  hasDemoAccounts: boolean
  newBrowserSecret: () => string
  /** Addresses that may start attempts; null: all. */
  ipAllowlist: AddressList | null
  /** Resolves with what keeps requests from being served, null when nothing does. */
  checkReady: () => Promise<'store' | 'shutdown' | null>
  /** Null where nothing is measured. */
  metrics: MetricsSource | null
}

interface MetricsSource {
  /** Each gives access. */
  tokens: readonly string[]
  contentType: string
  toText: () => Promise<string>
}
