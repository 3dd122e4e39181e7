import { z } from 'zod'
import type { AgreedApp } from '../../apps/apps'
import type { PasskeyCreation, PasskeyRequest } from '../../core/account/passkey'
import { PASSKEY_ID, type PasskeyView } from '../../core/account/passkey'
import type { Person, PhoneSource } from '../../core/account/person'
import type { AppView, AskingApp } from '../../core/attempt/app'
import { ATTEMPT_ID } from '../../core/attempt/code'
import type { ShortCodeView } from '../../core/attempt/short-codes'
import { SESSION_ID } from '../../core/attempt/tokens'
import type { AttemptView, CodeView, Review } from '../../core/attempt/views'
import type { EndedBy, PhoneView, SessionView } from '../../core/session/session'
import { ERROR_CODES, type ProblemDocument } from '../../http/problem'
import {
  claimBody,
  confirmBody,
  holdBody,
  matchBody,
  oidcBody,
  passkeyBody,
  passkeyNameBody,
  phoneSignInBody,
  redeemBody,
  scanBody,
  startBody,
} from '../schemas'

/**
 * What the API answers with, as PROTOCOL.md writes it. Strict: a field that is not named here is a
 * mistake. Each schema is held to the type that the server builds its response from.
 */

type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** The schema as it is, where it describes exactly `T`; else it does not compile. */
function describing<T>() {
  return <S extends z.ZodType>(schema: IsSame<z.output<S>, T> extends true ? S : never): S => schema
}

const ms = z.int().min(0)
const text = z.string().min(1)
const time = z.iso.datetime()
const attemptId = z.string().regex(ATTEMPT_ID)
const sessionId = z.string().regex(SESSION_ID)
const cancelledBy = z.enum(['phone', 'computer', 'match'])
const status = z.enum(['pending', 'scanned', 'confirmed', 'redeemed', 'cancelled', 'expired'])

const code = describing<CodeView>()(z.strictObject({ url: z.url(), expiresInMs: ms }))

const shortCode = describing<ShortCodeView>()(
  z.strictObject({ shortCode: z.string().regex(/^[B-Z]{4}-[B-Z]{4}$/), expiresInMs: ms }),
)

const shownPerson = z.strictObject({ name: text, avatarUrl: z.string().nullable() })

const person = describing<Person>()(
  z.strictObject({
    id: text,
    name: text,
    avatarUrl: z.string().nullable(),
    username: z.string().nullable(),
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    groups: z.array(z.string()).readonly(),
  }),
)

const source = describing<PhoneSource>()(
  z.union([
    z.strictObject({ kind: z.literal('oidc'), name: text }),
    z.strictObject({ kind: z.enum(['password', 'site', 'passkey', 'demo']) }),
  ]),
)

const appFields = { name: text, logoUrl: z.url().nullable(), host: text.nullable() }
const app = describing<AppView>()(z.strictObject(appFields))
const askingApp = describing<AskingApp>()(
  z.strictObject({
    ...appFields,
    scopes: z.array(text).readonly().nullable().describe('What it asks for. Null: an app of the first party.'),
  }),
)

const attempt = describing<AttemptView>()(
  z.strictObject({
    id: attemptId,
    version: z.int().min(1),
    status,
    expiresInMs: ms.describe('Of this status; 0 when it has ended.'),
    app: z.exactOptional(app).describe('What is signed in to. Missing: the home page.'),
    code: z.exactOptional(code).describe('While pending.'),
    person: z.exactOptional(shownPerson).describe('While scanned or confirmed.'),
    match: z
      .exactOptional(z.strictObject({ required: z.boolean(), passed: z.boolean(), attemptsLeft: z.int().min(0) }))
      .describe('While scanned.'),
    ticket: z.exactOptional(text).describe('While confirmed.'),
    cancelledBy: z.exactOptional(cancelledBy).describe('When cancelled.'),
  }),
)

const challenge = z.string().length(51)

const credential = z.strictObject({
  type: z.literal('public-key'),
  id: z.string().regex(PASSKEY_ID),
  transports: z.array(text),
})

const passkeyRequest = describing<PasskeyRequest>()(
  z.strictObject({
    challenge,
    rpId: text,
    timeout: ms,
    userVerification: z.literal('required'),
    allowCredentials: z.array(credential),
  }),
)

const passkeyCreation = describing<PasskeyCreation>()(
  z.strictObject({
    challenge,
    rp: z.strictObject({ id: text, name: text }),
    user: z.strictObject({ id: text, name: text, displayName: text }),
    pubKeyCredParams: z.array(z.strictObject({ type: z.literal('public-key'), alg: z.int() })),
    timeout: ms,
    attestation: z.literal('none'),
    authenticatorSelection: z.strictObject({
      residentKey: z.literal('required'),
      requireResidentKey: z.literal(true),
      userVerification: z.literal('required'),
    }),
    excludeCredentials: z.array(credential),
  }),
)

const passkey = describing<PasskeyView>()(
  z.strictObject({
    id: z.string().regex(PASSKEY_ID),
    name: text,
    synced: z.boolean(),
    addedAt: time,
    lastUsedAt: time.nullable(),
  }),
)

const reasons = z.enum(['policy', 'new_browser', 'other_network', 'unknown_network', 'short_code'])

const review = describing<Review>()(
  z.strictObject({
    claim: text,
    status: z.enum([...status.options, 'revoked']),
    expiresInMs: ms,
    app: askingApp.nullable().describe('What is signed in to. Null: the home page.'),
    userCode: z.exactOptional(text).describe('Of a device without a browser.'),
    computer: z.strictObject({
      browser: z.string().nullable(),
      os: z.string().nullable(),
      place: z.string().nullable(),
      requestedAgoMs: ms,
      sameNetwork: z.boolean(),
      known: z.boolean(),
    }),
    match: z.strictObject({
      required: z.boolean(),
      number: z
        .string()
        .regex(/^\d{2}$/)
        .nullable(),
      passed: z.boolean(),
      reasons: z.array(reasons).readonly(),
    }),
    cancelledBy: z.exactOptional(cancelledBy),
    passkey: z.exactOptional(passkeyRequest).describe('While scanned, where the phone confirms with a passkey.'),
    addPasskey: z.exactOptional(z.enum(['may', 'must'])).describe('While scanned, where the person has no passkey.'),
  }),
)

const device = {
  id: sessionId,
  browser: z.string().nullable(),
  os: z.string().nullable(),
  place: z.string().nullable(),
  signedInAt: time,
  lastSeenAt: time,
  current: z.boolean(),
}

const phone = describing<PhoneView>()(z.strictObject(device))

const session = describing<SessionView>()(
  z.strictObject({
    ...device,
    method: z.literal('qr'),
    acknowledged: z.boolean(),
    app: z.strictObject({ name: text, host: text.nullable() }).nullable(),
  }),
)

const problem = describing<ProblemDocument>()(
  z.strictObject({
    type: z.literal('about:blank'),
    title: text,
    status: z.int(),
    code: z.enum(ERROR_CODES),
    detail: z.string().optional(),
    errors: z
      .array(z.strictObject({ path: z.string(), message: z.string() }))
      .optional()
      .describe('bad_request only.'),
    attemptsLeft: z.int().optional().describe('match_wrong only.'),
    cancelledBy: cancelledBy.optional().describe('attempt_ended, for the phone that scanned.'),
    requestId: text,
  }),
)

const path = z.string().startsWith('/')

const agreedApp = describing<AgreedApp>()(
  z.strictObject({
    clientId: text,
    name: text,
    logoUrl: z.url().nullable(),
    scopes: z.array(text),
    agreedAt: time,
  }),
)

const notSignedIn = z.strictObject({ signedIn: z.literal(false) })
const sessions = z.strictObject({ sessions: z.array(session) })
const endedBy = describing<EndedBy>()(z.enum(['here', 'phone', 'computer', 'limit', 'single', 'time', 'app']))

/** Every component, by its name in the document. */
export const SCHEMAS = {
  Attempt: attempt,
  Code: code,
  ShortCode: shortCode,
  Review: review,
  Person: person,
  Session: session,
  Phone: phone,
  Problem: problem,
  Redeemed: z.strictObject({
    person,
    session,
    next: z.exactOptional(path).describe('Where the browser goes on with the request of an app.'),
  }),
  Next: z.strictObject({ next: path }),
  Apps: z.strictObject({ apps: z.array(agreedApp) }),
  PhoneSignedIn: z.strictObject({ person }),
  ProviderUrl: z.strictObject({ url: z.url() }),
  Sources: z.strictObject({ sources: z.array(source) }),
  PhoneState: z.union([notSignedIn, z.strictObject({ signedIn: z.literal(true), person })]),
  ComputerState: z.union([notSignedIn, z.strictObject({ signedIn: z.literal(true), person, session })]),
  Sessions: sessions,
  Passkey: passkey,
  Passkeys: z.strictObject({ passkeys: z.array(passkey) }),
  PasskeyCreation: passkeyCreation,
  PasskeyRequest: passkeyRequest,
  Phones: z.strictObject({ phones: z.array(phone) }),
  OpenApi: z.looseObject({ openapi: z.literal('3.1.1') }),
  Live: z.strictObject({ status: z.literal('live') }),
  Ready: z.strictObject({ status: z.literal('ready') }),
  Unready: z.strictObject({ status: z.literal('unready'), failing: z.array(z.enum(['store', 'shutdown'])).min(1) }),
  ReviewEvent: review.omit({ claim: true }),
  SignedOutEvent: z.strictObject({ by: endedBy }),
  ByeEvent: z.strictObject({ retryMs: ms }),
  StartBody: startBody,
  HoldBody: holdBody,
  OidcBody: oidcBody,
  ScanBody: scanBody,
  ClaimBody: claimBody,
  ConfirmBody: confirmBody,
  PasskeyBody: passkeyBody,
  PasskeyNameBody: passkeyNameBody,
  MatchBody: matchBody,
  RedeemBody: redeemBody,
  PhoneSignInBody: phoneSignInBody,
} as const satisfies Record<string, z.ZodType>

export type SchemaName = keyof typeof SCHEMAS
