import { start } from '@/lib/api/start'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = start
