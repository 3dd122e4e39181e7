import { requireAccount } from '../auth/identity'
import { json, noContent } from '../http/answer'
import { parseWord } from '../http/query'
import { type Call, resource } from '../http/resource'
import { services } from '../services'
import type { AnySession } from '../session/session'

/** `/api/sessions`: the person's signed-in computers, asked for by the phone or by one of them. */
export const sessions = resource({
  GET: async ({ request }: Call) => {
    const account = await accountOf(request)
    return json({ sessions: await services().sessions.list(account.person.id, currentOf(account)) })
  },

  DELETE: async ({ request }: Call) => {
    const account = await accountOf(request)
    await services().sessions.signOutAll(account.person.id, currentOf(account))
    return noContent()
  },
})

/** `/api/sessions/{id}`: signs that computer out. */
export const sessionById = resource({
  DELETE: async ({ request, params: { id = '' } }: Call) => {
    const account = await accountOf(request)
    await services().sessions.signOutOne(account.person.id, id)
    return noContent()
  },
})

/** Who asks; a browser that is both phone and computer may say which by `?as=phone` or `?as=computer`. */
export async function accountOf(request: Request): Promise<AnySession> {
  const as = parseWord(new URL(request.url).searchParams, 'as', ['phone', 'computer'])
  return await requireAccount(request, as)
}

function currentOf(account: AnySession): string | null {
  return account.kind === 'computer' ? account.id : null
}
