import { redeem } from '@/lib/api/redeem'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = redeem
