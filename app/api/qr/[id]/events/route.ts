import { attemptEvents } from '@/lib/api/attempt-events'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = attemptEvents
