import { requireAnyPhone } from '../auth/identity'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { ProtocolError } from '../core/errors'
import type { ApiRequest } from '../http/api-request'
import { localeOf } from '../http/plain-page'
import { type Call, resource } from '../http/resource'
import { json, noContent } from '../http/response'
import type { ApiContext } from './context'

/** `GET /api/apps`: the apps that the person of this phone has agreed to. */
export const apps = resource('/api/apps', {
  GET: async (call: Call, context: ApiContext) => {
    const { person } = await requireAnyPhone(call, context)
    return json({ apps: (await context.apps?.list(person.id, localeOf(call.request.headers))) ?? [] })
  },
})

/** `DELETE /api/apps/{id}`: withdraws the consent, and ends the app's tokens. */
export const appById = resource('/api/apps/{id}', {
  DELETE: async (call: Call, context: ApiContext) => {
    const { person } = await requireAnyPhone(call, context)
    if (context.apps === null) throw new ProtocolError('not_found')
    await context.apps.remove(person.id, decodeClientId(call.params.id ?? ''))
    return noContent()
  },
})

/**
 * `POST /api/interactions/{id}/decline`: the computer goes back to the app without a sign-in. The
 * app hears `access_denied`.
 */
export const decline = resource('/api/interactions/{id}/decline', {
  POST: async ({ request, params: { id = '' } }: Call, context: ApiContext) => {
    if (context.appSignIns === null) throw new ProtocolError('interaction_unknown')
    return json({ next: await context.appSignIns.decline(id, await findAppBrowserHash(request, context)) })
  },
})

/** The hash of the secret that the browser carries for apps; null: it carries none. */
export async function findAppBrowserHash(
  { headers }: Pick<ApiRequest, 'headers'>,
  { cookies }: Pick<ApiContext, 'cookies'>,
): Promise<string | null> {
  const secret = await cookies.read(headers.get('cookie'), 'app')
  return secret === null ? null : hashBrowserSecret(secret)
}

/** @throws ProtocolError `not_found` for what is no URL encoding. */
function decodeClientId(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ProtocolError('not_found')
  }
}
