import { requireAccount } from '../auth/identity'
import { json, noContent } from '../http/answer'
import { parseWord } from '../http/query'
import { type Call, resource } from '../http/resource'
import { services } from '../services'
import type { Account } from '../session/session'

/** `/api/sessions`: the person's signed-in computers, asked for by the phone or by one of them. */
export const sessions = resource('/api/sessions', {
  GET: async (call: Call) => {
    const account = await accountOf(call)
    return json({ sessions: await services().sessions.list(account.person.id, currentOf(account)) })
  },

  DELETE: async (call: Call) => {
    const account = await accountOf(call)
    await services().sessions.signOutAll(account.person.id, currentOf(account))
    return noContent()
  },
})

/** `/api/sessions/{id}`: signs that computer out. */
export const sessionById = resource('/api/sessions/{id}', {
  DELETE: async (call: Call) => {
    const account = await accountOf(call)
    await services().sessions.signOutOne(account.person.id, call.params.id ?? '')
    return noContent()
  },
})

/** Who asks; a browser that is both phone and computer may say which by `?as=phone` or `?as=computer`. */
export async function accountOf(call: Call): Promise<Account> {
  const as = parseWord(new URL(call.request.url).searchParams, 'as', ['phone', 'computer'])
  return await requireAccount(call, as)
}

function currentOf(account: Account): string | null {
  return account.kind === 'computer' ? account.id : null
}
