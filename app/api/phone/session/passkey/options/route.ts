import { passkeySignInOptions } from '@/lib/api/passkeys'
import { routeHandlers } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlers(passkeySignInOptions)
