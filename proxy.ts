import { type NextRequest, NextResponse } from 'next/server'
import type { Shared } from './lib/server/shared'

/**
 * Headers of every HTML page. Nothing is authorised in here: pages and handlers check for
 * themselves, and a client can skip this file. The API brings its own headers
 * (`lib/http/resource.ts`).
 */
export function proxy(request: NextRequest): NextResponse {
  const nonce = btoa(crypto.randomUUID())
  const { pathname } = request.nextUrl
  const isScanner = pathname === SCANNER_PATH
  const policy = contentSecurityPolicy(nonce, isScanner, LOGO_PATHS.has(pathname) ? findLogoOrigins() : [])
  const headers = new Headers(request.headers)
  // Next puts the nonce that it finds in here on its own scripts.
  headers.set('Content-Security-Policy', policy)
  // A layout does not know which page it contains.
  headers.set('x-travels', String(travels(request.nextUrl)))
  const response = NextResponse.next({ request: { headers } })
  response.headers.set('Content-Security-Policy', policy)
  for (const [name, value] of Object.entries(PAGE_HEADERS)) response.headers.set(name, value)
  response.headers.set('Permissions-Policy', `camera=(${isScanner ? 'self' : ''}), microphone=(), geolocation=()`)
  return response
}

/**
 * Whether every page that this one links to has view transitions too: otherwise browsers reject the
 * transition.
 */
function travels({ pathname, searchParams }: URL): boolean {
  return pathname === '/' || (pathname === '/login' && !searchParams.has('next') && !searchParams.has('interaction'))
}

/**
 * The origins of the apps' logos. The server is in this process; importing it would make a second
 * one, in the module graph of this file.
 */
function findLogoOrigins(): readonly string[] {
  const { [Symbol.for('qr-login')]: shared } = globalThis as { [key: symbol]: Shared | undefined }
  return shared?.qrLogin?.context.clients?.logoOrigins ?? []
}

export const config = {
  matcher:
    '/((?!api/|oidc/|authz/|\\.qr-login/|plain\\.css|_next/|avatars/|icons/|icon\\.svg|manifest\\.webmanifest).*)',
}

/** The one page that uses the camera, and WebAssembly to read codes in its picture. */
const SCANNER_PATH = '/phone/scan'

/** The pages that show logos of apps, which are on their own servers. */
const LOGO_PATHS = new Set(['/', '/login', '/q', '/device', '/phone'])

const PAGE_HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

function contentSecurityPolicy(nonce: string, isScanner: boolean, logoOrigins: readonly string[]): string {
  // React's development build evaluates strings to rebuild server stacks.
  const development = process.env.NODE_ENV === 'development' ? " 'unsafe-eval'" : ''
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'${isScanner ? " 'wasm-unsafe-eval'" : ''}${development}`,
    development === '' ? `style-src 'self' 'nonce-${nonce}'` : "style-src 'self' 'unsafe-inline'",
    ["img-src 'self' data:", ...logoOrigins].join(' '),
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
