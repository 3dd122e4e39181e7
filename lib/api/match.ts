import { requireBrowserHash } from '../auth/identity'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'
import { matchBody } from './schemas'

/** `POST /api/qr/{id}/match`: the number that was read off the phone. */
export const match = resource('/api/qr/{id}/match', {
  POST: async ({ request, params: { id = '' }, body }: Call, context: ApiContext) => {
    const { number } = parseBody(body, matchBody)
    const browserHash = await requireBrowserHash(request, context)
    return json(await context.attempts.match(id, browserHash, number))
  },
})
