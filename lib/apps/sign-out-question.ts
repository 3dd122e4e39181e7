import { isSame, type Keyring, mac } from '../core/keys'

/** A sign-out that the person is asked about. */
export interface SignOutQuestion {
  /** The session that is to end. */
  sessionId: string
  clientId: string | null
  /** Where the browser goes on afterwards; null: nowhere. */
  next: string | null
}

const MAC_BYTES = 20

/** The question as a text that no other page can make: its form carries it. */
export function encodeQuestion([keys]: Keyring, question: SignOutQuestion): string {
  const data = Buffer.from(JSON.stringify(question)).toString('base64url')
  return `${data}.${mac(keys.app, data, MAC_BYTES).toString('base64url')}`
}

/** Null for a text that is not one of ours. */
export function parseQuestion(keys: Keyring, text: string): SignOutQuestion | null {
  const [data = '', given = ''] = text.split('.')
  const isOurs = keys.some((each) => isSame(mac(each.app, data, MAC_BYTES), Buffer.from(given, 'base64url')))
  return isOurs ? (JSON.parse(Buffer.from(data, 'base64url').toString('utf8')) as SignOutQuestion) : null
}
