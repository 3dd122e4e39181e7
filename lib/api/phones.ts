import { requireAnyPhone } from '../auth/identity'
import type { PhoneSession, TokenPhone } from '../core/session/session'
import { type Call, resource } from '../http/resource'
import { json, noContent } from '../http/response'
import type { ApiContext } from './context'

/**
 * `/api/phones`: the person's phones that are signed in by a cookie, for a phone; and the sign-out
 * of all others.
 */
export const phones = resource('/api/phones', {
  GET: async (call: Call, context: ApiContext) => {
    const phone = await requireAnyPhone(call, context)
    return json({ phones: await context.sessions.listPhones(phone.person.id, currentOf(phone)) })
  },

  DELETE: async (call: Call, context: ApiContext) => {
    const phone = await requireAnyPhone(call, context)
    await context.sessions.signOutPhones(phone.person.id, currentOf(phone))
    return noContent()
  },
})

/** `/api/phones/{id}`: signs that phone out. */
export const phoneById = resource('/api/phones/{id}', {
  DELETE: async (call: Call, context: ApiContext) => {
    const phone = await requireAnyPhone(call, context)
    const { id = '' } = call.params
    const by = phone.id === id ? 'here' : 'phone'
    await context.sessions.signOutOne(phone.person.id, 'phone', id, by)
    return noContent()
  },
})

/** A phone that is identified by a bearer token has no record here. */
function currentOf(phone: PhoneSession | TokenPhone): string | null {
  return phone.kind === 'phone' ? phone.id : null
}
