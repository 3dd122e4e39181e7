import { z } from 'zod'
import { MAX_PASSKEY_NAME_CHARS, PASSKEY_ID } from '../core/account/passkey'

/**
 * Request bodies, strict: an unknown field is a 400, so that nothing a client chooses can slip in.
 */

const text = (max: number) => z.string().min(1).max(max)
/** Without halves of surrogate pairs, which endpoints of other parties cannot read. */
const plainText = (max: number) => text(max).regex(/^\P{Cs}*$/u, 'well-formed text')

/** Of requests that have nothing to say. */
export const emptyBody = z.strictObject({})
export const startBody = z.strictObject({ interaction: text(64).optional() })
export const holdBody = z.strictObject({ code: text(256) })
export const scanBody = z
  .strictObject({
    code: text(256).optional(),
    shortCode: text(64).optional(),
    held: z.literal(true).optional(),
  })
  .refine(({ code, shortCode, held }) => (shortCode !== undefined) !== (code !== undefined || held !== undefined), {
    path: ['code'],
    error: 'code, held, or shortCode alone',
  })

const base64url = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[\w-]+$/, 'base64url')

/** Of WebAuthn: what is not used is let through, because browsers add fields. */
const assertion = z.looseObject({
  id: z.string().regex(PASSKEY_ID, 'base64url'),
  response: z.looseObject({
    clientDataJSON: base64url(2048),
    authenticatorData: base64url(2048),
    signature: base64url(1024),
    userHandle: base64url(128).nullish(),
  }),
})

const attestation = z.looseObject({
  id: z.string().regex(PASSKEY_ID, 'base64url'),
  response: z.looseObject({
    clientDataJSON: base64url(2048),
    attestationObject: base64url(4096),
    transports: z
      .array(z.string().regex(/^[a-z-]{1,32}$/))
      .max(10)
      .optional(),
  }),
})

const passkeyName = z
  .string()
  .trim()
  .min(1)
  .max(MAX_PASSKEY_NAME_CHARS)
  .regex(/^[^\p{Cc}\p{Cs}\p{Bidi_Control}]*$/u, 'no control characters')

export const passkeyBody = z.strictObject({ passkey: attestation, name: passkeyName.optional() })
export const passkeyNameBody = z.strictObject({ name: passkeyName })

export const confirmBody = z.strictObject({ claim: text(256), passkey: assertion.optional() })
export const claimBody = z.strictObject({ claim: text(256) })
export const matchBody = z.strictObject({ number: z.string().regex(/^\d{2}$/, 'two digits') })
export const redeemBody = z.strictObject({ ticket: text(256) })
export const signOutBody = z.strictObject({ question: text(4096) })
export const oidcBody = z.strictObject({ return: text(2048).optional() })
export const phoneSignInBody = z.union([
  z.strictObject({ source: z.literal('site') }),
  z.strictObject({ passkey: assertion }),
  z.strictObject({ username: plainText(128), password: plainText(256) }),
])
