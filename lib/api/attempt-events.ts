import { requireBrowserHash } from '../auth/identity'
import { ProtocolError } from '../core/errors'
import { type Call, resource } from '../http/resource'
import { openEventStream } from '../http/stream'
import type { ApiContext } from './context'

/** `GET /api/qr/{id}/events`: the attempt, as it changes. Refused before it opens, never after. */
export const attemptEvents = resource('/api/qr/{id}/events', {
  HEAD: null,
  GET: async (call: Call, context: ApiContext) => {
    const { id = '' } = call.params
    const browserHash = await requireBrowserHash(call.request, context)
    return await openEventStream(call, context.connections, async (connection) => {
      const channel = await context.attemptStreams.open(id, browserHash)
      if (channel === null) throw new ProtocolError('not_found')
      channel.subscribe(connection)
      return () => channel.unsubscribe(connection)
    })
  },
})
