import { createHash } from 'node:crypto'
import { version } from '../../package.json'
import { matchesEtag } from '../http/etag'
import { type Call, resource } from '../http/resource'

interface Written {
  text: string
  etag: string
}

let written: Promise<Written> | null = null

/** `GET /api/openapi.json`: what the API is, for programs. Written at the first request. */
export const openapi = resource('/api/openapi.json', {
  GET: async ({ request }: Call) => {
    written ??= write().catch((error: unknown) => {
      written = null
      throw error
    })
    const { text, etag } = await written
    const headers = { ETag: etag }
    if (matchesEtag(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
    return new Response(text, { headers: { ...headers, 'Content-Type': 'application/json' } })
  },
})

async function write(): Promise<Written> {
  const { buildDocument } = await import('./openapi/document')
  const text = JSON.stringify(buildDocument(version))
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"` }
}
