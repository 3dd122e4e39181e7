import type { Metadata, Viewport } from 'next'
import localFont from 'next/font/local'
import { headers } from 'next/headers'
import { connection } from 'next/server'
import type { ReactNode } from 'react'
import { LANGUAGE_TAGS } from '@/lib/i18n/catalogue'
import './globals.css'
import { getLocale } from './ui/locale'

/** Bricolage Grotesque, weight 700, Latin subset (SIL Open Font License, `fonts/OFL.txt`). */
const bricolage = localFont({
  src: './fonts/bricolage-grotesque-700.woff2',
  weight: '700',
  variable: '--font-bricolage',
  display: 'swap',
  fallback: ['system-ui'],
})

/**
 * A view transition moves the avatar from the login page to the home page. Inline and before the
 * style sheets, because a browser reads it before they have loaded. Not on a phone, which opens
 * the app.
 */
const TRAVEL = '@media (min-width: 640px) { @view-transition { navigation: auto } }'

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f4f4ef' },
    { media: '(prefers-color-scheme: dark)', color: '#10141c' },
  ],
}

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return {
    title: text.common.brand,
    icons: { icon: '/icon.svg', apple: '/icons/180.png' },
    robots: { index: false, follow: false },
  }
}

export default async function RootLayout({ children }: { children: ReactNode }) {
  // No page is prerendered, not even 404: each carries the nonce of its own request.
  await connection()
  const { locale } = await getLocale()
  const { nonce, travels } = await readRequest()
  return (
    <html lang={LANGUAGE_TAGS[locale]} className={bricolage.variable}>
      <head>
        {travels ? (
          // Browsers hide a nonce after they have read it.
          <style nonce={nonce} suppressHydrationWarning>
            {TRAVEL}
          </style>
        ) : null}
      </head>
      <body>{children}</body>
    </html>
  )
}

/** Reads the request headers that `proxy.ts` sets. */
async function readRequest(): Promise<{ nonce: string | undefined; travels: boolean }> {
  const request = await headers()
  const policy = request.get('content-security-policy') ?? ''
  return { nonce: /'nonce-([^']+)'/.exec(policy)?.[1], travels: request.get('x-travels') === 'true' }
}
