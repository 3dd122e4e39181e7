import { isSame, type Keyring, mac } from '../core/keys'

/** A browser that came to an app behind forward auth without a session. */
export interface ForwardRequest {
  /** Of the app: one of `FORWARD_AUTH_HOSTS`. */
  host: string
  /** The hash of the secret that the browser carries for this host. */
  stateHash: string
  /** Where the browser goes on: a path of the app, with its query. */
  uri: string
}

interface Signed extends ForwardRequest {
  /** Epoch ms. */
  expiresAt: number
}

const MAC_BYTES = 20

/** The request as a text that only this server makes: the browser carries it from host to host. */
export function encodeForwardRequest([keys]: Keyring, request: ForwardRequest, expiresAt: number): string {
  const signed: Signed = { ...request, expiresAt }
  const data = Buffer.from(JSON.stringify(signed)).toString('base64url')
  return `${data}.${macOf(keys.app, data).toString('base64url')}`
}

/** Null for a text that is not one of ours, or has expired. */
export function parseForwardRequest(keys: Keyring, text: string, now: number): ForwardRequest | null {
  const [data = '', given = ''] = text.split('.')
  if (!keys.some((each) => isSame(macOf(each.app, data), Buffer.from(given, 'base64url')))) return null
  const { host, stateHash, uri, expiresAt } = JSON.parse(Buffer.from(data, 'base64url').toString('utf8')) as Signed
  return now < expiresAt ? { host, stateHash, uri } : null
}

/** Of a purpose of its own: no other text of these keys has a space. */
function macOf(key: Buffer, data: string): Buffer {
  return mac(key, `forward ${data}`, MAC_BYTES)
}
