import { confirm } from '@/lib/api/confirm'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = confirm
