import type { PasskeyCreation, PasskeyRequest, PasskeyView } from '../../lib/core/account/passkey'
import { type Browser, ORIGIN } from './app'
import type { Authenticator } from './authenticator'

export const RP_ID = 'login.example.com'
/** The page and the site of a right response. */
export const OURS = { origin: ORIGIN, rpId: RP_ID }

export const creationOf = (by: Browser) => by.get<PasskeyCreation>('POST', '/api/passkeys/options', {})

export const signInRequest = (by: Browser) => by.get<PasskeyRequest>('POST', '/api/phone/session/passkey/options', {})

/** Signs the phone in by password, and adds the passkey of the device. */
export async function addPasskey(by: Browser, device: Authenticator, name = 'ada'): Promise<PasskeyView> {
  await by.signInPhone(name)
  const { challenge } = await creationOf(by)
  return await by.get('POST', '/api/passkeys', { passkey: device.create({ ...OURS, challenge }) })
}
