import { phones } from '@/lib/api/phones'

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = phones
