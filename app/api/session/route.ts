import { session } from '@/lib/api/session'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = session
