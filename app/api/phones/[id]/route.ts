import { phoneById } from '@/lib/api/phones'
import { routeHandlers } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlers(phoneById)
