import { match } from '@/lib/api/match'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = match
