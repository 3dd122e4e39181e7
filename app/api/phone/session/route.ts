import { phoneSession } from '@/lib/api/phone-session'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = phoneSession
