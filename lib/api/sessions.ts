import { requireAccount, requireAnyPhone } from '../auth/identity'
import type { Account, EndedBy } from '../core/session/session'
import { parseWord } from '../http/query'
import { type Call, resource } from '../http/resource'
import { json, noContent } from '../http/response'
import type { ApiContext } from './context'

/** `/api/sessions`: the person's signed-in computers, for a phone or a computer of the person. */
export const sessions = resource('/api/sessions', {
  GET: async (call: Call, context: ApiContext) => {
    const account = await accountOf(call, context)
    return json({ sessions: await context.sessions.list(account.person.id, computerOf(account)) })
  },

  DELETE: async (call: Call, context: ApiContext) => {
    const account = await accountOf(call, context)
    await context.sessions.signOutAll(account.person.id, computerOf(account), byOf(account, null))
    return noContent()
  },
})

/** `/api/sessions/{id}`: signs that computer out. */
export const sessionById = resource('/api/sessions/{id}', {
  DELETE: async (call: Call, context: ApiContext) => {
    const account = await accountOf(call, context)
    const { id = '' } = call.params
    await context.sessions.signOutOne(account.person.id, 'computer', id, byOf(account, id))
    return noContent()
  },
})

/**
 * `POST /api/sessions/{id}/acknowledge`: the person knows of that computer; its notice has been
 * answered.
 */
export const acknowledge = resource('/api/sessions/{id}/acknowledge', {
  POST: async (call: Call, context: ApiContext) => {
    const phone = await requireAnyPhone(call, context)
    await context.sessions.acknowledge(phone.person.id, call.params.id ?? '')
    return noContent()
  },
})

/**
 * The requesting account; a browser that is both phone and computer chooses by `?as=phone` or
 * `?as=computer`.
 */
export async function accountOf(call: Call, context: ApiContext): Promise<Account> {
  const as = parseWord(call.url.searchParams, 'as', ['phone', 'computer'])
  return await requireAccount(call, as, context)
}

function computerOf(account: Account): string | null {
  return account.kind === 'computer' ? account.id : null
}

/** What a sign-out counts as; `id`: of the session that ends. */
function byOf(account: Account, id: string | null): EndedBy {
  if (account.kind !== 'computer') return 'phone'
  return account.id === id ? 'here' : 'computer'
}
