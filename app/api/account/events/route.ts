import { accountEvents } from '@/lib/api/account-events'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = accountEvents
