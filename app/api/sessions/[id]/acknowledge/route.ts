import { acknowledge } from '@/lib/api/sessions'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = acknowledge
