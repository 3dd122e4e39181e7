import { requireAnyPhone } from '../auth/identity'
import { json, noContent } from '../http/answer'
import { type Call, resource } from '../http/resource'
import { services } from '../server/create-server'
import type { PhoneSession, TokenPhone } from '../core/session/session'

/** `/api/phones`: the person's phones that are signed in by a cookie, asked for by a phone; and the sign-out of all others. */
export const phones = resource('/api/phones', {
  GET: async (call: Call) => {
    const phone = await requireAnyPhone(call)
    return json({ phones: await services().sessions.listPhones(phone.person.id, currentOf(phone)) })
  },

  DELETE: async (call: Call) => {
    const phone = await requireAnyPhone(call)
    await services().sessions.signOutPhones(phone.person.id, currentOf(phone))
    return noContent()
  },
})

/** `/api/phones/{id}`: signs that phone out. */
export const phoneById = resource('/api/phones/{id}', {
  DELETE: async (call: Call) => {
    const phone = await requireAnyPhone(call)
    const { id = '' } = call.params
    const by = phone.id === id ? 'here' : 'phone'
    await services().sessions.signOutOne(phone.person.id, 'phone', id, by)
    return noContent()
  },
})

/** A phone that a token speaks for has no record here. */
function currentOf(phone: PhoneSession | TokenPhone): string | null {
  return phone.kind === 'phone' ? phone.id : null
}
