import { matchBody } from './schemas'
import { requireBrowserHash } from '../auth/identity'
import { json } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../server/create-server'

/** `POST /api/qr/{id}/match`: the number that was read off the phone. */
export const match = resource('/api/qr/{id}/match', {
  POST: async ({ request, params: { id = '' }, body }: Call) => {
    const { number } = parseBody(body, matchBody)
    const browserHash = await requireBrowserHash(request)
    return json(await services().attempts.match(id, browserHash, number))
  },
})
