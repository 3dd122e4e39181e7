import { scan } from '@/lib/api/scan'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = scan
