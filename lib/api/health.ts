import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'

/** `GET /api/health/live`: the process runs. */
export const live = resource('/api/health/live', {
  GET: async () => json({ status: 'live' }),
})

/** `GET /api/health/ready`: requests can be served, or what keeps them from it. */
export const ready = resource('/api/health/ready', {
  GET: async (_: Call, { checkReady }: ApiContext) => {
    const failing = await checkReady()
    if (failing === null) return json({ status: 'ready' })
    return json({ status: 'unready', failing: [failing] }, { status: 503, headers: { 'Retry-After': '2' } })
  },
})
