import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ASSERTION, ATTESTATION, CREATION, requestOf } from '../../test/support/approval-browser'
import type { PasskeyCreation } from '../core/account/passkey'
import { canUsePasskeys, createPasskey, signWithPasskey } from './passkey-browser'

const library = vi.hoisted(() => ({ startAuthentication: vi.fn(), startRegistration: vi.fn() }))
vi.mock('@simplewebauthn/browser', () => library)

const creation = CREATION as PasskeyCreation
const named = (name: string) => Object.assign(new Error(), { name })

beforeEach(() => {
  vi.stubGlobal('isSecureContext', true)
  vi.stubGlobal('PublicKeyCredential', class {})
  vi.stubGlobal('location', { hostname: 'login.example.com' })
})
afterEach(() => vi.unstubAllGlobals())

describe('a browser can use passkeys', () => {
  test.each([
    ['login.example.com', true],
    ['localhost', true],
    ['192.0.2.1', false],
    ['[2001:db8::1]', false],
    ['1password.example', true],
  ])('on %s: %s', (hostname, expected) => {
    vi.stubGlobal('location', { hostname })
    expect(canUsePasskeys()).toBe(expected)
  })

  test('not over plain http, and not without the API', () => {
    vi.stubGlobal('isSecureContext', false)
    expect(canUsePasskeys()).toBe(false)
    vi.stubGlobal('isSecureContext', true)
    vi.stubGlobal('PublicKeyCredential', undefined)
    expect(canUsePasskeys()).toBe(false)
  })
})

describe('the browser answers', () => {
  test('with what the server needs, and nothing else', async () => {
    const more = { rawId: 'passkey', type: 'public-key', clientExtensionResults: {} }
    library.startAuthentication.mockResolvedValueOnce({ ...ASSERTION, ...more })
    expect(await signWithPasskey(requestOf('first'))).toEqual(ASSERTION)
    expect(library.startAuthentication).toHaveBeenLastCalledWith({ optionsJSON: requestOf('first') })
    const response = { ...ATTESTATION.response, publicKey: 'key', authenticatorData: 'data' }
    library.startRegistration.mockResolvedValueOnce({ id: ATTESTATION.id, response, ...more })
    expect(await createPasskey(creation)).toEqual(ATTESTATION)
  })

  test.each([
    ['NotAllowedError', 'cancelled', 'cancelled'],
    ['AbortError', 'cancelled', 'cancelled'],
    ['SecurityError', 'failed', 'failed'],
    ['InvalidStateError', 'failed', 'exists'],
  ])('with %s: %s, and %s for a new passkey', async (name, signed, created) => {
    library.startAuthentication.mockRejectedValueOnce(named(name))
    library.startRegistration.mockRejectedValueOnce(named(name))
    expect([await signWithPasskey(requestOf('first')), await createPasskey(creation)]).toEqual([signed, created])
  })
})
