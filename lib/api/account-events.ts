import { type Call, resource } from '../http/resource'
import { openStream } from '../http/stream'
import { services } from '../server/create-server'
import { accountOf } from './sessions'

/** `GET /api/account/events`: what a signed-in phone or computer hears of its account. */
export const accountEvents = resource('/api/account/events', {
  HEAD: null,
  GET: async (call: Call) => {
    const account = await accountOf(call)
    return await openStream(call.request, (stream) => services().accountStreams.open(stream, account))
  },
})
