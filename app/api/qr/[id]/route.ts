import { attempt } from '@/lib/api/attempt'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = attempt
