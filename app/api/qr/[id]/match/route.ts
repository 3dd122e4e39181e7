import { match } from '@/lib/api/match'
import { routeHandlers } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlers(match)
