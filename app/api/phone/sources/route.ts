import { phoneSources } from '@/lib/api/phone-sources'
import { routeHandlers } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlers(phoneSources)
