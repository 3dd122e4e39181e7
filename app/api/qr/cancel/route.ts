import { cancel } from '@/lib/api/cancel'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = cancel
