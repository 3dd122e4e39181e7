import { z } from 'zod'
import {
  findEndpointProblem,
  findHttpsProblem,
  findPageProblem,
  findRedirectProblem,
  isLoopbackHttp,
  isLoopbackHttps,
  isPrivateUse,
} from './client-uri.mjs'

const SCOPES = /** @type {const} */ (['openid', 'profile', 'email', 'groups', 'offline_access'])

const DEFAULT_SCOPE = 'openid profile email groups offline_access'

export const CODE_GRANT = 'authorization_code'

const GRANTS = /** @type {const} */ ([CODE_GRANT, 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'])

const AUTH_METHODS = /** @type {const} */ (['client_secret_basic', 'client_secret_post', 'none'])

const MAX_NAME_CHARS = 60

const MIN_SECRET_CHARS = 32

const MAX_URIS = 32

const ID = '1 to 128 ASCII characters without spaces'
const SECRET = `${MIN_SECRET_CHARS} to 512 ASCII characters without spaces, random`
const NAME = `1 to ${MAX_NAME_CHARS} characters, none of them a control or bidi character`
const SCOPE = `openid, and any of ${SCOPES.slice(1).join(', ')}, separated by single spaces`

/**
 * Messages for a value that is missing, and for one that is wrong. They never have the value.
 * @param {string} text
 */
const expected = (text) => ({
  /** @param {{ input?: unknown }} issue */
  error: ({ input }) => `${input === undefined ? 'required' : 'expected'}: ${text}`,
})

/** @param {(uri: string) => string | null} findProblem */
const uri = (findProblem) =>
  z.string(expected('an address')).superRefine((text, context) => {
    const problem = findProblem(text)
    if (problem !== null) context.addIssue(problem)
  })

const redirects = z
  .array(uri(findRedirectProblem), expected('a list of addresses'))
  .max(MAX_URIS, expected(`at most ${MAX_URIS} addresses`))
  .default([])

// By code points; a name of invisible characters alone is none.
const name = z
  .string(expected(NAME))
  .regex(/^(?=.*[\p{L}\p{N}])[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]{1,60}$/u, expected(NAME))

const scope = z.string(expected(SCOPE)).refine((text) => {
  const scopes = text.split(' ')
  const isKnown = scopes.every((each) => /** @type {readonly string[]} */ (SCOPES).includes(each))
  return isKnown && scopes.includes('openid') && new Set(scopes).size === scopes.length
}, expected(SCOPE))

const flag = z.boolean(expected('true or false'))

/** One entry of the clients file: RFC 7591 metadata, and `first_party`. */
const clientSchema = z
  .strictObject({
    client_id: z.string(expected(ID)).regex(/^[\x21-\x7e]{1,128}$/, expected(ID)),
    client_secret: z
      .string(expected(SECRET))
      .regex(/^[\x21-\x7e]{32,512}$/, expected(SECRET))
      .optional()
      .meta({ description: 'Required, unless token_endpoint_auth_method is none.' }),
    client_name: name.meta({ description: 'What people see on the phone and on the sign-in page.' }),
    'client_name#en': name.optional(),
    'client_name#zh-CN': name.optional(),
    client_uri: uri(findPageProblem).optional().meta({ description: 'The home page; people see its host.' }),
    logo_uri: uri(findHttpsProblem).optional(),
    initiate_login_uri: uri(findHttpsProblem).optional(),
    redirect_uris: redirects.meta({ description: 'Compared exactly. Required with the grant authorization_code.' }),
    post_logout_redirect_uris: redirects,
    backchannel_logout_uri: uri(findEndpointProblem).optional(),
    backchannel_logout_session_required: flag.default(false),
    token_endpoint_auth_method: z.enum(AUTH_METHODS, expected(AUTH_METHODS.join(', '))).default('client_secret_basic'),
    scope: scope.default(DEFAULT_SCOPE).meta({ description: SCOPE }),
    grant_types: z
      .array(z.enum(GRANTS, expected(GRANTS.join(', '))), expected('a list of grant types'))
      .min(1, expected('at least one grant type'))
      .default([CODE_GRANT]),
    id_token_signed_response_alg: z.enum(['RS256', 'ES256'], expected('RS256 or ES256')).default('RS256'),
    first_party: flag.default(false).meta({ description: 'An app of your own: people are not asked for consent.' }),
  })
  .meta({ title: 'An app that signs people in with qr-login' })

/** The whole file. */
export const clientsSchema = z.array(clientSchema)

/** @typedef {z.output<typeof clientSchema>} ClientEntry */

/** @typedef {{ [K in keyof ClientEntry]?: ClientEntry[K] | undefined }} PartialEntry */

/** Whether a text may be the name of a client. */
export function isClientName(/** @type {string} */ text) {
  return name.safeParse(text).success
}

/**
 * A mistake: the field, with the position in its list from 1 (`redirect_uris 2`), and the problem.
 * @typedef {{ field: string, problem: string }} FieldMistake
 */

/**
 * One entry, with its defaults; or all of its mistakes.
 * @param {unknown} entry
 * @returns {{ client: ClientEntry, mistakes: [] } | { client: null, mistakes: FieldMistake[] }}
 */
export function checkClient(entry) {
  const result = clientSchema.safeParse(entry)
  const issues = result.success ? [] : result.error.issues
  // One for each field: the further checks of a value of the wrong type say nothing.
  const mistakes = [
    ...new Map(
      issues
        .flatMap(toMistakes)
        .reverse()
        .map((each) => [each.field, each]),
    ).values(),
  ].reverse()
  const broken = new Set(mistakes.map(({ field }) => field.split(' ')[0]))
  if (typeof entry === 'object' && entry !== null && !Array.isArray(entry)) {
    mistakes.push(...findCombinations(/** @type {Readonly<Record<string, unknown>>} */ (entry), broken))
  }
  if (result.success && mistakes.length === 0) return { client: result.data, mistakes: [] }
  return { client: null, mistakes }
}

/**
 * @param {z.core.$ZodIssue} issue
 * @returns {FieldMistake[]}
 */
function toMistakes(issue) {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: toLabel(key), problem: toUnknown(key) }))
  const [field, index] = issue.path
  if (field === undefined) return [{ field: '', problem: 'expected: an object' }]
  const label = typeof index === 'number' ? `${String(field)} ${index + 1}` : String(field)
  return [{ field: label, problem: issue.message }]
}

/** @param {string} key */
function toUnknown(key) {
  if (key.startsWith('client_name#')) return 'unknown: the languages are client_name#en and client_name#zh-CN'
  return 'unknown field'
}

/**
 * A text of the file as it can be printed in a row.
 * @param {string} text
 */
export function toLabel(text) {
  return text.replace(/[^\x21-\x7e]/g, '?').slice(0, 40)
}

/**
 * What is wrong between fields. Fields that are wrong by themselves, `broken`, count as not there,
 * and are not required.
 * @param {Readonly<Record<string, unknown>>} entry
 * @param {ReadonlySet<string | undefined>} broken
 * @returns {FieldMistake[]}
 */
function findCombinations(entry, broken) {
  const known = Object.fromEntries(
    Object.entries(entry).filter(([key]) => key in clientSchema.shape && !broken.has(key)),
  )
  const partial = clientSchema.partial().safeParse(known)
  if (!partial.success) return []
  const given = partial.data
  /** @type {FieldMistake[]} */
  const mistakes = []
  /** @type {(field: string, problem: string) => void} */
  const add = (field, problem) => void mistakes.push({ field, problem })
  const isPublic = given.token_endpoint_auth_method === 'none'
  const isMethodKnown = !broken.has('token_endpoint_auth_method')
  if (isPublic && 'client_secret' in entry) {
    add('client_secret', 'not beside token_endpoint_auth_method none: a public client has no secret')
  }
  if (isMethodKnown && !isPublic && !('client_secret' in entry)) {
    add('client_secret', `required: ${SECRET}; or token_endpoint_auth_method none`)
  }
  if (!broken.has('grant_types')) addGrantMistakes(given, broken, add)
  if (given.backchannel_logout_session_required && !('backchannel_logout_uri' in entry)) {
    add('backchannel_logout_session_required', 'needs backchannel_logout_uri')
  }
  const isNative = isNativeApp(given)
  for (const field of /** @type {const} */ (['redirect_uris', 'post_logout_redirect_uris'])) {
    for (const [index, each] of (given[field] ?? []).entries()) {
      const label = `${field} ${index + 1}`
      if (isPrivateUse(each) && isMethodKnown && !isPublic) {
        add(label, 'a private-use scheme needs token_endpoint_auth_method none (RFC 8252, section 8.4)')
      }
      // oidc-provider refuses the combination, and RFC 8252 has http for loopback addresses.
      if (isNative && isLoopbackHttps(each))
        add(label, 'expected: http on a loopback address, as the others of this client')
    }
  }
  return mistakes
}

/**
 * @param {PartialEntry} given
 * @param {ReadonlySet<string | undefined>} broken
 * @param {(field: string, problem: string) => void} add
 */
function addGrantMistakes({ grant_types: grants = [], redirect_uris: uris = [] }, broken, add) {
  if (new Set(grants).size < grants.length) add('grant_types', 'expected: each grant type once')
  if (grants.every((grant) => grant === 'refresh_token')) {
    add('grant_types', 'refresh_token needs authorization_code or the device code beside it')
  }
  if (broken.has('redirect_uris')) return
  if (grants.includes(CODE_GRANT) && uris.length === 0) add('redirect_uris', `required with the grant ${CODE_GRANT}`)
  if (!grants.includes(CODE_GRANT) && uris.length > 0) add('redirect_uris', `not without the grant ${CODE_GRANT}`)
}

/**
 * Whether this is an app on the person's own device (RFC 8252): a public client, one of whose
 * addresses only that device resolves. Its loopback addresses are compared without the port.
 * @param {PartialEntry} client
 */
export function isNativeApp({
  token_endpoint_auth_method: method,
  redirect_uris: uris = [],
  post_logout_redirect_uris: after = [],
}) {
  return method === 'none' && [...uris, ...after].some((each) => isPrivateUse(each) || isLoopbackHttp(each))
}
