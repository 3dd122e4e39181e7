import { type Call, resource } from '../http/resource'
import { openStream } from '../http/stream'
import type { ApiContext } from './context'
import { accountOf } from './sessions'

/** `GET /api/account/events`: the events of an account, for its phones and computers. */
export const accountEvents = resource('/api/account/events', {
  HEAD: null,
  GET: async (call: Call, context: ApiContext) => {
    const account = await accountOf(call, context)
    return await openStream(call, context.streams, (stream) => context.accountStreams.open(stream, account))
  },
})
