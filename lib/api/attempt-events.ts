import { requireBrowserHash } from '../auth/identity'
import { type Call, resource } from '../http/resource'
import { openStream } from '../http/stream'
import { services } from '../services'

/**
 * `GET /api/qr/{id}/events`: the attempt, as it changes. Refused before it opens, never after. Subscribes first and
 * reads then, so that no change falls between.
 */
export const attemptEvents = resource('/api/qr/{id}/events', {
  HEAD: null,
  GET: async ({ request, params: { id = '' } }: Call) => {
    const { attempts, attemptStreams } = services()
    const browserHash = await requireBrowserHash(request)
    const channel = attemptStreams.subscribe(id)
    try {
      const attempt = await attempts.requireOwn(id, browserHash)
      return openStream(request, (stream) => {
        channel.add(stream, attempt)
        return { end: () => channel.remove(stream) }
      })
    } catch (error) {
      channel.release()
      throw error
    }
  },
})
