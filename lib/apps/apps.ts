import type { RequestingApp } from '../core/attempt/app'
import type { Computer } from '../core/attempt/attempt'
import { formatShortCode } from '../core/attempt/short-code'
import type { Audit } from '../core/audit'
import { ProtocolError } from '../core/errors'
import type { RecordStore } from '../core/record-store'
import type { ComputerSession } from '../core/session/session'
import type { Sessions } from '../core/session/sessions'
import type { Store } from '../core/store'
import type { Locale } from '../i18n/catalogue'
import type { ClientRegistry } from './client-registry'
import { toView } from './clients'
import type { Authorizations } from './oidc/authorizations'
import type { Consents } from './oidc/consents'
import type { DeviceAuthorization, DeviceCodes } from './oidc/device-codes'
import type { OidcServer } from './oidc/oidc-server'
import { recordKeyOf } from './oidc/record-key'

export interface AppsOptions {
  registry: ClientRegistry
  server: OidcServer
  consents: Consents
  authorizations: Authorizations
  deviceCodes: DeviceCodes
  store: RecordStore & Pick<Store, 'confirmDurable'>
  sessions: Sessions
  audit: Audit
  now: () => number
}

/** An app that a person has agreed to. */
export interface AgreedApp {
  clientId: string
  name: string
  logoUrl: string | null
  scopes: string[]
  /** ISO 8601, for display. */
  agreedAt: string
}

/** An app that can be opened from the home page. */
export interface OpenableApp {
  clientId: string
  name: string
  logoUrl: string | null
  host: string | null
  url: string
}

/** The apps of `CLIENTS_FILE`, and the people's sign-ins to them. */
export class Apps {
  readonly #options: AppsOptions

  constructor(options: AppsOptions) {
    this.#options = options
  }

  get server(): OidcServer {
    return this.#options.server
  }

  /**
   * Lets the request of the app go on with the session that was begun for it. May be repeated.
   * Returns the path that the browser goes to.
   */
  async finish({ interaction, clientId, scopes }: RequestingApp, session: ComputerSession): Promise<string | null> {
    const { server, consents, audit } = this.#options
    if (interaction === null || clientId === null) return null
    if (scopes !== null) {
      await consents.agree(session.person.id, clientId, scopes)
      audit({ event: 'app.agreed', app: clientId, person: session.person.id })
    }
    await server.finish(interaction, { session })
    return pathOf(interaction)
  }

  /**
   * Ends the request of the app with the error that the person has declined. Returns the path that
   * tells the app. The caller has checked whose request it is.
   */
  async decline(id: string): Promise<string> {
    await this.#options.server.finish(id, { error: 'access_denied' })
    return pathOf(id)
  }

  /**
   * Starts the attempt of a device that oidc-provider has given a device code. False if its user
   * code is taken: the device code is removed then, as it is when this throws.
   */
  async beginDevice(authorization: DeviceAuthorization, computer: Omit<Computer, 'browserHash'>): Promise<boolean> {
    const { deviceCodes, store: records, now } = this.#options
    const key = recordKeyOf('DeviceCode', authorization.deviceCode)
    const stored = await records.findRecord(key, now())
    let isBegun = false
    try {
      const app = stored === null ? null : this.#findDeviceApp(stored.data, authorization.userCode)
      isBegun = app !== null && (await deviceCodes.begin(authorization, computer, app))
    } finally {
      if (!isBegun) await records.removeRecord(key)
    }
    return isBegun
  }

  #findDeviceApp(data: string, userCode: string): RequestingApp | null {
    const { clientId: id, params } = JSON.parse(data) as { clientId: string; params: { scope?: string } }
    const client = this.#options.registry.find(id)
    if (client === null) return null
    const { clientId, name, logoUrl, host, firstParty } = toView(client)
    const scopes = firstParty ? null : (params.scope ?? '').split(' ').filter((each) => each !== '')
    return { clientId, name, logoUrl, host, scopes, interaction: null, userCode: formatShortCode(userCode) }
  }

  /**
   * What the person has agreed to, newest first. Apps that are no longer in the file are left out.
   */
  async list(personId: string, locale: Locale): Promise<AgreedApp[]> {
    const { consents, registry } = this.#options
    return (await consents.list(personId)).flatMap(({ clientId, scopes, agreedAt }) => {
      const client = registry.find(clientId)
      if (client === null) return []
      const { name, logoUrl } = toView(client, locale)
      return [{ clientId, name, logoUrl, scopes, agreedAt: new Date(agreedAt).toISOString() }]
    })
  }

  /**
   * Withdraws the consent, and ends every token of the app for this person.
   * @throws ProtocolError `not_found` if the person has not agreed to the app.
   */
  async remove(personId: string, clientId: string): Promise<void> {
    const { consents, sessions, authorizations, registry, store, audit } = this.#options
    // First: nothing is given to the app from here on. A request that fails later can be repeated.
    let isFound = await consents.withdraw(personId, clientId)
    const isOurs = registry.find(clientId)?.first_party === true
    if (!isFound && isOurs) throw new ProtocolError('not_found')
    for (const { id } of await sessions.list(personId, null)) {
      const known = (await authorizations.list(id)).find((each) => each.clientId === clientId)
      if (known === undefined) continue
      isFound = true
      await authorizations.remove(id, known)
    }
    await store.confirmDurable('ending')
    if (!isFound) throw new ProtocolError('not_found')
    audit({ event: 'app.removed', app: clientId, person: personId })
  }

  /** The name of a client; null for one that is not in the file. */
  nameOf(clientId: string, locale: Locale): string | null {
    const client = this.#options.registry.find(clientId)
    return client === null ? null : toView(client, locale).name
  }

  /** The apps with a page to open, in the order of the file. */
  listOpenable(locale: Locale): OpenableApp[] {
    return this.#options.registry.clients.flatMap((client) => {
      const url = client.initiate_login_uri ?? client.client_uri
      const { clientId, name, logoUrl, host } = toView(client, locale)
      return url === undefined ? [] : [{ clientId, name, logoUrl, host, url }]
    })
  }

  close(): void {
    this.#options.server.close()
  }
}

function pathOf(interaction: string): string {
  return `/oidc/auth/${interaction}`
}
