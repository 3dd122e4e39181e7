import { ProtocolError } from '../core/errors'
import { requireBrowserHash } from '../auth/identity'
import { type Call, resource } from '../http/resource'
import { openStream } from '../http/stream'
import { services } from '../server/create-server'

/** `GET /api/qr/{id}/events`: the attempt, as it changes. Refused before it opens, never after. */
export const attemptEvents = resource('/api/qr/{id}/events', {
  HEAD: null,
  GET: async ({ request, params: { id = '' } }: Call) => {
    const browserHash = await requireBrowserHash(request)
    return await openStream(request, async (stream) => {
      const channel = await services().attemptStreams.open(id, browserHash)
      if (channel === null) throw new ProtocolError('not_found')
      channel.add(stream)
      return { end: () => channel.remove(stream) }
    })
  },
})
