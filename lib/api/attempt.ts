import { requireBrowserHash } from '../auth/identity'
import { ProtocolError } from '../core/errors'
import { matchesEtag } from '../http/etag'
import { parseCount } from '../http/query'
import { type Call, resource } from '../http/resource'
import { json, noContent } from '../http/response'
import { admitConnection } from '../http/stream'
import type { WaitOptions } from '../realtime/attempt-streams'
import type { ApiContext } from './context'

const MAX_WAIT_MS = 25_000

/** `/api/qr/{id}`: the attempt now, or as soon as it changes; and its end. */
export const attempt = resource('/api/qr/{id}', {
  GET: async (call: Call, context: ApiContext) => {
    const { attempts, admission } = context
    const {
      request,
      params: { id = '' },
      url: { searchParams },
    } = call
    const after = parseCount(searchParams, 'after')
    const waitMs = parseCount(searchParams, 'waitMs') ?? 0
    // Pages request this before they open their stream again, after a crash all at once. Before
    // anything that costs.
    const retryAfterMs = after === null ? admission.admit() : 0
    if (retryAfterMs > 0) {
      throw new ProtocolError('unavailable', { retryAfterS: Math.ceil(retryAfterMs / 1_000), limit: 'admission' })
    }
    const browserHash = await requireBrowserHash(request, context)
    if (after !== null) {
      const wait = { after, waitMs: Math.min(waitMs, MAX_WAIT_MS), signal: request.signal }
      return await longPoll(call, context, { id, browserHash, wait })
    }
    const own = await attempts.requireOwn(id, browserHash)
    const headers = { ETag: attempts.etagOf(own) }
    if (matchesEtag(request.headers.get('if-none-match'), headers.ETag))
      return new Response(null, { status: 304, headers })
    return json(attempts.view(own), { headers })
  },

  DELETE: async ({ request, params: { id = '' } }: Call, context: ApiContext) => {
    await context.attempts.cancelByComputer(id, await requireBrowserHash(request, context))
    return noContent()
  },
})

interface LongPoll {
  id: string
  browserHash: string
  wait: WaitOptions
}

/** Counts as a stream does. 204 when nothing changed. */
async function longPoll(call: Call, context: ApiContext, { id, browserHash, wait }: LongPoll): Promise<Response> {
  const connection = admitConnection(call, context.connections, 'long_poll')
  try {
    const channel = await context.attemptStreams.open(id, browserHash)
    if (channel === null) throw new ProtocolError('not_found')
    call.liftDeadline()
    const view = await channel.wait(connection, wait)
    return view === null ? noContent() : json(view)
  } finally {
    connection.close()
  }
}
