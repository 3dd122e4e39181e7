import { phoneSession } from '@/lib/api/phone-session'
import { routeHandlers } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlers(phoneSession)
