import type { PasskeyAssertion, PasskeyAttestation, PasskeyCreation, PasskeyRequest } from '../core/account/passkey'

type Library = typeof import('@simplewebauthn/browser')

/** `cancelled`: the person closed the dialog, or it found no passkey; browsers do not say which. */
export type PasskeyFailure = 'cancelled' | 'failed'

/** An IPv4 or IPv6 address, as `location.hostname` has it. Passkeys need a host name. */
const ADDRESS = /^([\d.]+|\[.*\])$/

const load = (): Promise<Library> => import('@simplewebauthn/browser')

/** Whether this browser can use passkeys on this page. */
export function canUsePasskeys(): boolean {
  return isSecureContext && typeof PublicKeyCredential === 'function' && !ADDRESS.test(location.hostname)
}

/**
 * Loads the library before a tap needs it. Browsers open their dialog only for a short time after a
 * tap.
 */
export function preloadPasskeys(): void {
  load().catch(() => {})
}

/** Opens the browser's dialog. `exists`: this device has a passkey of the person already. */
export async function createPasskey(
  optionsJSON: PasskeyCreation,
): Promise<PasskeyAttestation | PasskeyFailure | 'exists'> {
  try {
    const { startRegistration } = await load()
    const { id, response } = await startRegistration({ optionsJSON })
    const { clientDataJSON, attestationObject, transports } = response
    return { id, response: { clientDataJSON, attestationObject, transports } }
  } catch (error) {
    return nameOf(error) === 'InvalidStateError' ? 'exists' : failureOf(error)
  }
}

/** Opens the browser's dialog. */
export async function signWithPasskey(request: PasskeyRequest): Promise<PasskeyAssertion | PasskeyFailure> {
  try {
    const { startAuthentication } = await load()
    const optionsJSON = request as Parameters<Library['startAuthentication']>[0]['optionsJSON']
    const { id, response } = await startAuthentication({ optionsJSON })
    const { clientDataJSON, authenticatorData, signature, userHandle } = response
    return { id, response: { clientDataJSON, authenticatorData, signature, userHandle } }
  } catch (error) {
    return failureOf(error)
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

function failureOf(error: unknown): PasskeyFailure {
  return ['NotAllowedError', 'AbortError'].includes(nameOf(error)) ? 'cancelled' : 'failed'
}
