import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'

/** `GET /api/phone/sources`: the ways to sign a phone in, in the order they are offered. */
export const phoneSources = resource('/api/phone/sources', {
  GET: async (_: Call, { sources }: ApiContext) => json({ sources }),
})
