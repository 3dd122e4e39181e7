/** A client as the provider under test knows it. */
export interface RegisteredClient {
  client_id: string
  client_secret: string
  token_endpoint_auth_method: 'client_secret_basic' | 'client_secret_post'
}

/** Where a browser has ended. */
export interface Landing {
  /** The last address: of the client, or of the page. */
  url: string
  /** The page; null at the client, whose address is not requested. */
  page: { status: number; text: string } | null
  /** Whether the person had to sign in, or was asked about the sign-out. */
  wasAsked: boolean
}

/** A browser with a person, who signs in where that is asked for. */
export interface PersonBrowser {
  /** A request at the authorization endpoint; `form`: as a POST with this body. */
  authorize(url: string, form?: URLSearchParams): Promise<Landing>
  /** A request at the end-session endpoint. A question is answered with yes. */
  signOut(url: string): Promise<Landing>
}

/** A provider under test: an issuer, and how a person signs in there. */
export interface Target {
  name: string
  issuer: string
  newBrowser(): PersonBrowser
  stop(): Promise<void>
}

export const CALLBACK = 'https://rp.example.com/callback'
export const SIGNED_OUT = 'https://rp.example.com/signed-out'

const SECRET = 'a-secret-of-the-conformance-tests-0123'

export const BASIC: RegisteredClient = {
  client_id: 'basic',
  client_secret: SECRET,
  token_endpoint_auth_method: 'client_secret_basic',
}
export const POST: RegisteredClient = {
  client_id: 'post',
  client_secret: `${SECRET}-post`,
  token_endpoint_auth_method: 'client_secret_post',
}
/** A second client with `client_secret_basic`. */
export const SECOND: RegisteredClient = { ...BASIC, client_id: 'second', client_secret: `${SECRET}-2` }
/** A client that is told of sign-outs. */
export const TOLD: RegisteredClient = { ...BASIC, client_id: 'told', client_secret: `${SECRET}-3` }

/** Client metadata (RFC 7591). `logoutUri`: where TOLD is told. */
export function clientMetadata(logoutUri: string) {
  return [BASIC, POST, SECOND, TOLD].map((client) => ({
    ...client,
    client_name: client.client_id,
    redirect_uris: [CALLBACK],
    post_logout_redirect_uris: [SIGNED_OUT],
    grant_types: ['authorization_code', 'refresh_token'],
    ...(client === TOLD ? { backchannel_logout_uri: logoutUri, backchannel_logout_session_required: true } : {}),
  }))
}

/** Whether an address is one of the clients, registered or not. */
export const isClient = (url: string) => new URL(url).hostname.endsWith('example.com')

export async function toPage(response: Response | null): Promise<Landing['page']> {
  return response === null ? null : { status: response.status, text: await response.text() }
}

/** The form of a page: its address, and its hidden fields. Null for a page without one. */
export function findForm({ page, url }: Landing): { action: string; fields: URLSearchParams } | null {
  const action = /<form[^>]* action="([^"]+)"/.exec(page?.text ?? '')?.[1]
  if (action === undefined || page === null) return null
  const inputs = page.text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"\s*\/?>/g)
  const fields = new URLSearchParams([...inputs].map(([, name = '', value = '']) => [name, value]))
  return { action: new URL(action, url).href, fields }
}
