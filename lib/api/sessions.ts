import { requireAccount, requireAnyPhone } from '../auth/identity'
import { json, noContent } from '../http/answer'
import { parseWord } from '../http/query'
import { type Call, resource } from '../http/resource'
import { services } from '../server/create-server'
import type { Account, EndedBy } from '../core/session/session'

/** `/api/sessions`: the person's signed-in computers, asked for by the phone or by one of them. */
export const sessions = resource('/api/sessions', {
  GET: async (call: Call) => {
    const account = await accountOf(call)
    return json({ sessions: await services().sessions.list(account.person.id, computerOf(account)) })
  },

  DELETE: async (call: Call) => {
    const account = await accountOf(call)
    await services().sessions.signOutAll(account.person.id, computerOf(account), byOf(account, null))
    return noContent()
  },
})

/** `/api/sessions/{id}`: signs that computer out. */
export const sessionById = resource('/api/sessions/{id}', {
  DELETE: async (call: Call) => {
    const account = await accountOf(call)
    const { id = '' } = call.params
    await services().sessions.signOutOne(account.person.id, 'computer', id, byOf(account, id))
    return noContent()
  },
})

/** `POST /api/sessions/{id}/acknowledge`: the person knows of that computer; its notice has been answered. */
export const acknowledge = resource('/api/sessions/{id}/acknowledge', {
  POST: async (call: Call) => {
    const phone = await requireAnyPhone(call)
    await services().sessions.acknowledge(phone.person.id, call.params.id ?? '')
    return noContent()
  },
})

/** The account that asks; a browser that is both phone and computer may say which by `?as=phone` or `?as=computer`. */
export async function accountOf(call: Call): Promise<Account> {
  const as = parseWord(new URL(call.request.url).searchParams, 'as', ['phone', 'computer'])
  return await requireAccount(call, as)
}

function computerOf(account: Account): string | null {
  return account.kind === 'computer' ? account.id : null
}

/** What a sign-out counts as; `id`: of the session that ends. */
function byOf(account: Account, id: string | null): EndedBy {
  if (account.kind !== 'computer') return 'phone'
  return account.id === id ? 'here' : 'computer'
}
