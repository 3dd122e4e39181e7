import { routeHandlersByPath } from '@/lib/server/route-handlers'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = routeHandlersByPath()
