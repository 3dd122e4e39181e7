import type { Metadata, Viewport } from 'next'
import localFont from 'next/font/local'
import { headers } from 'next/headers'
import { connection } from 'next/server'
import type { ReactNode } from 'react'
import { LANGUAGE_TAGS } from '@/lib/i18n/catalogue'
import './globals.css'
import { getLocale } from './ui/locale'

/** Bricolage Grotesque, weight 700, Latin letters, figures and punctuation (SIL Open Font License, `fonts/OFL.txt`). */
const bricolage = localFont({
  src: './fonts/bricolage-grotesque-700.woff2',
  weight: '700',
  variable: '--font-bricolage',
  display: 'swap',
  fallback: ['system-ui'],
})

/**
 * From the code to home the person's picture travels, where the browser can. In the document and ahead of the style sheets: a
 * browser asks for it before they have come. Not where the window is a phone's: from there the way leads to the app.
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
  // Every page carries the nonce of its own request, also the one that was not found: none is made ahead.
  await connection()
  const { locale } = await getLocale()
  const { nonce, travels } = await readRequest()
  return (
    <html lang={LANGUAGE_TAGS[locale]} className={bricolage.variable}>
      <head>
        {travels ? (
          // Browsers hide a nonce once they have read it.
          <style nonce={nonce} suppressHydrationWarning>
            {TRAVEL}
          </style>
        ) : null}
      </head>
      <body>{children}</body>
    </html>
  )
}

/** What `proxy.ts` says of this request. */
async function readRequest(): Promise<{ nonce: string | undefined; travels: boolean }> {
  const said = await headers()
  const policy = said.get('content-security-policy') ?? ''
  return { nonce: /'nonce-([^']+)'/.exec(policy)?.[1], travels: said.get('x-travels') === 'true' }
}
