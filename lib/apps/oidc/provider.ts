import type { IncomingMessage } from 'node:http'
import { type Configuration, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Lifetimes } from '../../core/attempt/attempt'
import type { RecordStore } from '../../core/record-store'
import type { SessionLifetimes } from '../../core/session/session'
import type { Locale } from '../../i18n/catalogue'
import { APP_REQUEST_MS, type AppRequests } from '../app-requests'
import { type Client, toMetadata, toView } from '../clients'
import { createAdapter } from './adapter'
import type { Authorizations } from './authorizations'
import { CLAIMS_OF_SCOPES, SCOPES, toClaims } from './claims'
import type { Consents } from './consents'
import type { DeviceCodes } from './device-codes'
import type { NodeListener } from './memory-http'
import { createPolicy } from './policy'
import { currentScope } from './request-scope'
import type { SigningKey } from './signing-keys'

/** What our own code knows of a request that oidc-provider handles. */
export interface Caller {
  /** The hash of the secret that the browser carries for apps. */
  browserHash: string
  /** What the person reads. */
  locale: Locale
  /** What a sign-out at the request of an app comes to; null: none was asked for. */
  signOut: SignOutRequest | null
  /** What went wrong in our own code or in the store; null: nothing. */
  failure: { error: unknown } | null
}

/** A sign-out that an app asks for (OpenID Connect RP-Initiated Logout 1.0), after its checks. */
export interface SignOutRequest {
  clientId: string | null
  /** Where the browser goes on afterwards, with `state`. Null: nowhere. */
  next: string | null
  /** Whether the ID token that came with it is one of this session. */
  isOwnSession: boolean
}

export interface ProviderOptions {
  publicOrigin: string
  clients: readonly Client[]
  /** Those that sign come first. */
  keys: readonly SigningKey[]
  records: RecordStore
  authorizations: Authorizations
  consents: Consents
  requests: AppRequests
  deviceCodes: DeviceCodes
  countRefresh: (grantId: string) => Promise<void>
  lifetimes: { session: SessionLifetimes; attempt: Lifetimes }
  now: () => number
}

/** How long access and ID tokens live. */
export const TOKEN_S = 3600

/** How long a code lives. */
export const CODE_S = 60

/** Paths below the issuer. */
const PATHS = {
  authorization: '/auth',
  token: '/token',
  userinfo: '/me',
  jwks: '/jwks',
  revocation: '/token/revocation',
  introspection: '/token/introspection',
  end_session: '/session/end',
  device_authorization: '/device/auth',
}

/**
 * The OpenID provider for one list of clients and one set of keys. It has no state of its own: a
 * new one takes its place when either changes.
 */
export function buildProvider(options: ProviderOptions): NodeListener {
  const provider = new Provider(`${options.publicOrigin}/oidc`, toConfiguration(options))
  provider.use(readSignOut)
  provider.on('server_error', ({ req }, error) => {
    callerOf(req).failure = { error }
  })
  return provider.callback()
}

function toConfiguration(options: ProviderOptions): Configuration {
  const { clients, keys, records, deviceCodes, countRefresh, now, lifetimes } = options
  const byId = new Map(clients.map((client) => [client.client_id, client]))
  const findClient = (id: string) => byId.get(id) ?? null
  const { attemptMs, confirmMs, ticketMs } = lifetimes.attempt
  const sessionS = Math.ceil(lifetimes.session.computerMs / 1000)
  const invalidGrant = (description: string) => new errors.InvalidGrant(description)
  return {
    clients: clients.map(toMetadata),
    jwks: { keys: keys.map((key) => ({ ...key })) as NonNullable<Configuration['jwks']>['keys'] },
    adapter: (kind: string) => createAdapter(kind, { records, now, invalidGrant, deviceCodes, countRefresh }),
    routes: PATHS,
    scopes: SCOPES,
    claims: CLAIMS_OF_SCOPES,
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    // Some libraries read nothing but the ID token.
    conformIdTokenClaims: false,
    allowOmittingSingleRegisteredRedirectUri: false,
    clientBasedCORS: () => false,
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      introspection: { enabled: true, allowedPolicy: isOwnToken },
      revocation: { enabled: true, allowedPolicy: mayRevoke },
      deviceFlow: { enabled: clients.some(({ grant_types: types }) => types.includes(DEVICE_GRANT)) },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: () => {} },
    },
    pkce: { required: (_, client) => client.clientAuthMethod === 'none' },
    interactions: {
      policy: createPolicy(findClient),
      url: async (context, { uid, params }) => {
        await insertRequest(context, uid, params, options, findClient)
        return `/login?interaction=${uid}`
      },
    },
    findAccount: async (context, id, token) => {
      const sessionUid = token !== undefined && 'sessionUid' in token ? token.sessionUid : undefined
      return await findAccount(context, id, { ...options, sessionUid, findClient })
    },
    loadExistingGrant: async (context) => await findGrant(context, options, findClient),
    issueRefreshToken: async (_, client, code) =>
      client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    rotateRefreshToken: true,
    expiresWithSession: () => true,
    renderError: (context, out) => {
      context.type = 'json'
      context.body = out
    },
    ttl: {
      AccessToken: TOKEN_S,
      AuthorizationCode: CODE_S,
      IdToken: TOKEN_S,
      // Until the device has fetched what was confirmed at the last moment.
      DeviceCode: Math.ceil((attemptMs + confirmMs + ticketMs) / 1000),
      Grant: sessionS,
      Interaction: APP_REQUEST_MS / 1000,
      RefreshToken: sessionS,
      Session: sessionS,
    },
  }
}

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

type FindClient = (id: string) => Client | null

/** Remembers who asks for what, before the browser is sent to sign in. */
async function insertRequest(
  context: KoaContextWithOIDC,
  uid: string,
  params: Record<string, unknown>,
  { requests }: ProviderOptions,
  findClient: FindClient,
): Promise<void> {
  const client = findClient(String(params.client_id))
  if (client === null) throw new errors.InvalidClient('client is invalid', 'client not found')
  const { browserHash, locale } = callerOf(context.req)
  const { clientId, name, logoUrl, host, firstParty } = toView(client, locale)
  const scopes = firstParty ? null : String(params.scope ?? '').split(' ')
  const app = { clientId, name, logoUrl, host, scopes, interaction: uid }
  await requests.insert({ app, browserHash })
}

interface FindAccountOptions extends Pick<ProviderOptions, 'consents' | 'publicOrigin'> {
  /** Of the token; undefined: of the request. */
  sessionUid: string | undefined
  findClient: FindClient
}

async function isAgreed(
  personId: string,
  clientId: string,
  { consents, findClient }: Pick<FindAccountOptions, 'consents' | 'findClient'>,
): Promise<boolean> {
  return findClient(clientId)?.first_party === true || (await consents.find(personId, clientId)) !== null
}

/** The person of the session that the request or the token belongs to. */
async function findAccount(
  { oidc }: KoaContextWithOIDC,
  accountId: string,
  { sessionUid, findClient, consents, publicOrigin }: FindAccountOptions,
) {
  const sessionId = sessionUid ?? oidc.session?.uid
  const found = sessionId === undefined ? null : await currentScope().findSession(sessionId)
  if (found === null || found.session.person.id !== accountId) return undefined
  const { client } = oidc
  const isToken = sessionUid !== undefined
  // A consent that was withdrawn ends what was being given at that moment too.
  if (isToken && client !== undefined && !(await isAgreed(accountId, client.clientId, { consents, findClient })))
    return undefined
  const sid = found.authorizations.find(({ clientId }) => clientId === client?.clientId)?.sid
  const claims = toClaims(found.session.person, publicOrigin)
  return {
    accountId,
    claims: (use: string) => (use === 'id_token' && sid !== undefined ? { ...claims, sid } : claims),
  }
}

/**
 * What the person has agreed to, as the grant of this app in this session. Undefined where nothing
 * was agreed to yet.
 */
async function findGrant({ oidc }: KoaContextWithOIDC, options: ProviderOptions, findClient: FindClient) {
  const { authorizations, consents } = options
  const { client, session, provider } = oidc
  const found = session === undefined ? null : await currentScope().findSession(session.uid)
  if (client === undefined || session === undefined || found === null) return undefined
  const { clientId } = client
  const { person, expiresAt, id } = found.session
  const requested = [...oidc.requestParamOIDCScopes]
  const isFirstParty = findClient(clientId)?.first_party === true
  const agreed = isFirstParty ? requested : ((await consents.find(person.id, clientId))?.scopes ?? [])
  const scopes = requested.filter((scope) => agreed.includes(scope))
  if (scopes.length < requested.length) return undefined
  const known = found.authorizations.find((each) => each.clientId === clientId)
  const { sid, grantId } = known ?? (await authorizations.ensure(id, clientId, expiresAt))
  if (known === undefined) found.authorizations.push({ clientId, sid, grantId })
  session.sidFor(clientId, sid)
  const stored = await provider.Grant.find(grantId)
  const granted = stored?.getOIDCScope().split(' ') ?? []
  if (stored !== undefined && scopes.every((scope) => granted.includes(scope))) return stored
  const grant = new provider.Grant({ accountId: person.id, clientId })
  grant.jti = grantId
  grant.addOIDCScope([...granted, ...scopes].filter((scope) => scope !== '').join(' '))
  await grant.save()
  return grant
}

/** An app learns about its own tokens only. */
async function isOwnToken(
  _: KoaContextWithOIDC,
  client: { clientId: string; clientAuthMethod?: string | undefined },
  token: { clientId?: string | undefined },
) {
  return client.clientAuthMethod !== 'none' && token.clientId === client.clientId
}

/**
 * RFC 7009, section 2.1: the token of another app is refused. A public client does not learn
 * whether it exists.
 */
function mayRevoke(
  _: KoaContextWithOIDC,
  client: { clientId: string; clientAuthMethod?: string | undefined },
  { clientId }: { clientId?: string | undefined },
): boolean {
  if (clientId === client.clientId) return true
  if (client.clientAuthMethod === 'none') return false
  throw new errors.InvalidRequest('client is not authorized to revoke the presented token')
}

/** Keeps what a sign-out comes to, which our own code carries out. */
async function readSignOut(context: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
  await next()
  const { oidc } = context
  if (oidc?.route !== 'end_session' || context.status !== 200) return
  const state = oidc.session?.state as { postLogoutRedirectUri?: string; state?: string } | undefined
  const clientId = oidc.client?.clientId ?? null
  const hint = oidc.entities.IdTokenHint as { payload: { sid?: unknown } } | undefined
  const sid = clientId === null ? undefined : oidc.session?.sidFor(clientId)
  callerOf(context.req).signOut = {
    clientId,
    next: state?.postLogoutRedirectUri === undefined ? null : withState(state.postLogoutRedirectUri, state.state),
    isOwnSession: sid !== undefined && hint?.payload.sid === sid,
  }
}

function withState(uri: string, state: string | undefined): string {
  if (state === undefined) return uri
  const url = new URL(uri)
  url.searchParams.set('state', state)
  return url.href
}

function callerOf(message: IncomingMessage): Caller {
  return (message as IncomingMessage & { caller: Caller }).caller
}
