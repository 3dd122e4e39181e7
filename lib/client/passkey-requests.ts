import type { PasskeyCreation, PasskeyRequest, PasskeyView } from '../core/account/passkey'
import type { Person } from '../core/account/person'
import type { Answer, call } from './api'
import type { createPasskey, PasskeyFailure, signWithPasskey } from './passkey-browser'

type Call = typeof call

/** Creates a passkey in the browser's dialog, and adds it to the person who is signed in here. */
export async function addPasskey(
  send: Call,
  create: typeof createPasskey,
): Promise<Answer<PasskeyView> | PasskeyFailure | 'exists'> {
  const options = await send<PasskeyCreation>('POST', '/api/passkeys/options', { body: {} })
  if (!options.ok) return options
  const passkey = await create(options.value)
  return typeof passkey === 'string' ? passkey : await send('POST', '/api/passkeys', { body: { passkey } })
}

/** Signs this phone in with a passkey that the person picks in the browser's dialog. */
export async function signInWithPasskey(
  send: Call,
  sign: typeof signWithPasskey,
): Promise<Answer<{ person: Person }> | PasskeyFailure> {
  const options = await send<PasskeyRequest>('POST', '/api/phone/session/passkey/options', { body: {} })
  if (!options.ok) return options
  const passkey = await sign(options.value)
  return typeof passkey === 'string' ? passkey : await send('POST', '/api/phone/session', { body: { passkey } })
}
