import { attemptEvents } from '@/lib/api/attempt-events'
import { routeHandlers } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlers(attemptEvents)
