import type { Passkeys } from '../accounts/passkeys'
import { requireAnyPhone } from '../auth/identity'
import type { Phone } from '../core/attempt/attempt'
import { ProtocolError } from '../core/errors'
import { parseBody } from '../http/body'
import { describeDevice } from '../http/device'
import { type Call, resource } from '../http/resource'
import { json, noContent } from '../http/response'
import type { ApiContext } from './context'
import { emptyBody, passkeyBody, passkeyNameBody } from './schemas'

/** Where there are passkeys: with an origin that browsers allow them for, unless switched off. */
const options = { exists: ({ passkeys }: ApiContext) => passkeys !== null }

/** @throws ProtocolError `not_found` where there are none. */
export function requirePasskeys({ passkeys }: ApiContext): Passkeys {
  if (passkeys === null) throw new ProtocolError('not_found')
  return passkeys
}

/** `POST /api/passkeys/options`: what the browser needs to add a passkey. */
export const passkeyOptions = resource(
  '/api/passkeys/options',
  {
    POST: async (call: Call, context: ApiContext) => {
      const phone = await requireCookiePhone(call, context)
      parseBody(call.body, emptyBody)
      return json(await requirePasskeys(context).registrationOptions(phone))
    },
  },
  options,
)

/** `/api/passkeys`: the person's passkeys, and adding one. */
export const passkeys = resource(
  '/api/passkeys',
  {
    GET: async (call: Call, context: ApiContext) => {
      const { person } = await requireAnyPhone(call, context)
      return json({ passkeys: await requirePasskeys(context).list(person.id) })
    },

    POST: async (call: Call, context: ApiContext) => {
      const phone = await requireCookiePhone(call, context)
      await context.limiter.addPasskey(phone.person.id)
      const { passkey, name } = parseBody(call.body, passkeyBody)
      return json(await requirePasskeys(context).add(phone, passkey, name ?? nameOf(call)), { status: 201 })
    },
  },
  options,
)

/** `/api/passkeys/{id}`: renames, removes it. */
export const passkeyById = resource(
  '/api/passkeys/{id}',
  {
    PATCH: async (call: Call, context: ApiContext) => {
      const { person } = await requireAnyPhone(call, context)
      const { name } = parseBody(call.body, passkeyNameBody)
      await requirePasskeys(context).rename(person.id, call.params.id ?? '', name)
      return noContent()
    },

    DELETE: async (call: Call, context: ApiContext) => {
      const { person } = await requireAnyPhone(call, context)
      await requirePasskeys(context).remove(person.id, call.params.id ?? '')
      return noContent()
    },
  },
  options,
)

/** `POST /api/phone/session/passkey/options`: what the browser needs to sign in with a passkey. */
export const passkeySignInOptions = resource(
  '/api/phone/session/passkey/options',
  {
    POST: async (call: Call, context: ApiContext) => {
      parseBody(call.body, emptyBody)
      return json(requirePasskeys(context).signInOptions())
    },
  },
  options,
)

const TOKEN = { path: '', message: 'a bearer token adds no passkey, which would outlive it' }

/** @throws ProtocolError `bad_request` for a bearer token, and what `requireAnyPhone` throws. */
async function requireCookiePhone(call: Call, context: ApiContext): Promise<Phone> {
  const { kind, id, person } = await requireAnyPhone(call, context)
  if (kind === 'token') throw new ProtocolError('bad_request', { errors: [TOKEN] })
  return { sessionId: id, person }
}

/** The device that adds it, for people to read. */
function nameOf({ request: { headers } }: Call): string {
  const { browser, os } = describeDevice(headers.get('user-agent'))
  return [browser, os].filter((part) => part !== null).join(' · ') || 'Passkey'
}
