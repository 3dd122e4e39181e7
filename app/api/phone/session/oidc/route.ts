import { phoneOidc } from '@/lib/api/phone-oidc'
import { routeHandlers } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlers(phoneOidc)
