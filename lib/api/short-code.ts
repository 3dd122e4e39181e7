import { requireBrowserHash } from '../auth/identity'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'
import { emptyBody } from './schemas'

/** `POST /api/qr/{id}/short-code`: the code that the person types where the camera fails. */
export const shortCode = resource('/api/qr/{id}/short-code', {
  POST: async ({ request, params: { id = '' }, body }: Call, context: ApiContext) => {
    parseBody(body, emptyBody)
    return json(await context.attempts.shortCode(id, await requireBrowserHash(request, context)))
  },
})
