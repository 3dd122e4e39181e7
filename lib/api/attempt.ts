import { ProtocolError } from '../core/errors'
import { requireBrowserHash } from '../auth/identity'
import { json, noContent } from '../http/answer'
import type { ApiRequest } from '../http/api-request'
import { matchesEtag } from '../http/etag'
import { parseCount } from '../http/query'
import { type Call, resource } from '../http/resource'
import { admitStream } from '../http/stream'
import { services } from '../server/create-server'
import type { WaitOptions } from '../realtime/attempt-streams'

const MAX_WAIT_MS = 25_000

/** `/api/qr/{id}`: the attempt now, or as soon as it changes; and its end. */
export const attempt = resource('/api/qr/{id}', {
  GET: async ({ request, params: { id = '' }, waits }: Call) => {
    const { attempts, arrivals } = services()
    const { searchParams } = new URL(request.url)
    const after = parseCount(searchParams, 'after')
    const waitMs = parseCount(searchParams, 'waitMs') ?? 0
    // Pages ask this before they open their stream again; a crash sends all of them here. Before anything that costs.
    const comeAgainMs = after === null ? arrivals.admit() : 0
    if (comeAgainMs > 0) {
      throw new ProtocolError('unavailable', { retryAfterS: Math.ceil(comeAgainMs / 1_000), limit: 'admission' })
    }
    const browserHash = await requireBrowserHash(request)
    if (after !== null) {
      const wait = { after, waitMs: Math.min(waitMs, MAX_WAIT_MS), signal: request.signal }
      return await longPoll({ request, id, browserHash, wait, waits })
    }
    const own = await attempts.requireOwn(id, browserHash)
    const headers = { ETag: attempts.etagOf(own) }
    if (matchesEtag(request.headers.get('if-none-match'), headers.ETag))
      return new Response(null, { status: 304, headers })
    return json(attempts.view(own), { headers })
  },

  DELETE: async ({ request, params: { id = '' } }: Call) => {
    await services().attempts.cancelByComputer(id, await requireBrowserHash(request))
    return noContent()
  },
})

interface LongPoll {
  request: ApiRequest
  id: string
  browserHash: string
  wait: WaitOptions
  waits: Call['waits']
}

/** Counts as a stream does. 204 when nothing changed. */
async function longPoll({ request, id, browserHash, wait, waits }: LongPoll): Promise<Response> {
  const stream = admitStream(request, 'long_poll')
  try {
    const channel = await services().attemptStreams.open(id, browserHash)
    if (channel === null) throw new ProtocolError('not_found')
    waits()
    const view = await channel.wait(stream, wait)
    return view === null ? noContent() : json(view)
  } finally {
    stream.close()
  }
}
