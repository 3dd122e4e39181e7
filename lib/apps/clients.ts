import { StartError, type StartProblem } from '../core/start-error'
import type { Locale } from '../i18n/catalogue'
import { CODE_GRANT, isNativeApp } from './client-schema.mjs'
import { type ClientEntry, checkClients } from './clients-text.mjs'

/**
 * An app that signs people in here: RFC 7591 metadata with the defaults filled in, in the RFC's own
 * names. It has the secret, so it goes to no log and to no page.
 */
export type Client = Readonly<ClientEntry>

/** What people and pages may see of an app. */
export interface ClientView {
  clientId: string
  name: string
  /** An https address, or null. */
  logoUrl: string | null
  /**
   * Of the home page, else of the first redirect URI (with a port); the scheme of an app with a
   * private-use scheme; null for an app that only has device codes.
   */
  host: string | null
  /** The team's own app: its people are not asked for consent. */
  firstParty: boolean
  /** The scopes that it may ask for. */
  scopes: readonly string[]
  homeUrl: string | null
}

/**
 * The clients of a clients file, in its order.
 * @throws StartError with every mistake of the text: the client, the field, the problem, no value.
 */
export function parseClients(text: string, file = 'CLIENTS_FILE'): Client[] {
  const { clients, mistakes } = checkClients(text)
  if (mistakes.length > 0) throw clientsError(file, mistakes)
  return clients
}

function clientsError(file: string, mistakes: readonly StartProblem[]): StartError {
  return new StartError(`The clients file has mistakes: ${file}`, mistakes, [
    'docs/guides/apps/README.md describes every field.',
  ])
}

/** Metadata as oidc-provider takes it: without names of its own, and with what it derives. */
export function toMetadata(client: Client) {
  const { first_party: _, 'client_name#en': _en, 'client_name#zh-CN': _zh, ...metadata } = client
  const { backchannel_logout_session_required: needsSid, ...others } = metadata
  return {
    ...others,
    ...(others.backchannel_logout_uri === undefined ? {} : { backchannel_logout_session_required: needsSid }),
    response_types: others.grant_types.includes(CODE_GRANT) ? (['code'] as const) : [],
    // oidc-provider compares the loopback addresses of native clients without their port.
    application_type: isNativeApp(client) ? ('native' as const) : ('web' as const),
  }
}

/** What may be seen of a client. `locale`: the language of its name, where it has one. */
export function toView(client: Client, locale?: Locale): ClientView {
  const names = { en: client['client_name#en'], zh: client['client_name#zh-CN'] }
  return {
    clientId: client.client_id,
    name: (locale === undefined ? undefined : names[locale]) ?? client.client_name,
    logoUrl: client.logo_uri ?? null,
    host: findHost(client.client_uri ?? client.redirect_uris[0]),
    firstParty: client.first_party,
    scopes: client.scope.split(' '),
    homeUrl: client.client_uri ?? null,
  }
}

function findHost(uri: string | undefined): string | null {
  if (uri === undefined) return null
  const { protocol, host } = new URL(uri)
  return /^https?:$/.test(protocol) ? host : protocol.slice(0, -1)
}
