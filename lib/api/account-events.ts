import { type Call, resource } from '../http/resource'
import { openEventStream } from '../http/stream'
import type { ApiContext } from './context'
import { accountOf } from './sessions'

/** `GET /api/account/events`: what a signed-in phone or computer receives about its account. */
export const accountEvents = resource('/api/account/events', {
  HEAD: null,
  GET: async (call: Call, context: ApiContext) => {
    const account = await accountOf(call, context)
    const { connections, accountStreams } = context
    return await openEventStream(call, connections, (connection) => accountStreams.subscribe(connection, account))
  },
})
