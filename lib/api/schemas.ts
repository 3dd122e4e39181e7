import { z } from 'zod'

/**
 * Request bodies, strict: an unknown field is a 400, so that nothing a client chooses can slip in.
 */

const text = (max: number) => z.string().min(1).max(max)

export const startBody = z.strictObject({})
export const holdBody = z.strictObject({ code: text(256) })
export const scanBody = z
  .strictObject({ code: text(256).optional(), held: z.literal(true).optional() })
  .refine(({ code, held }) => (code === undefined) !== (held === undefined), {
    path: ['code'],
    error: 'either code or held',
  })
export const claimBody = z.strictObject({ claim: text(256) })
export const matchBody = z.strictObject({ number: z.string().regex(/^\d{2}$/, 'two digits') })
export const redeemBody = z.strictObject({ ticket: text(256) })
export const oidcBody = z.strictObject({ return: text(2048).optional() })
export const phoneSignInBody = z.union([
  z.strictObject({ source: z.literal('site') }),
  z.strictObject({ username: text(128), password: text(256) }),
])
