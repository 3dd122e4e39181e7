import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { qrLogin } from '@/lib/server/shared'
import { isInitiatorTrusted } from '../../ui/initiator'
import { getLocale } from '../../ui/locale'
import { ScanFrame } from './scan-frame'
import { ScanPanel } from './scan-panel'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.scan.title }
}

/** The scanner. Links to and from it load a new document: only it may use camera and WASM. */
export default async function ScanPage() {
  const { locale, text } = await getLocale()
  return (
    <ScanFrame locale={locale} text={text}>
      <ScanPanel
        publicOrigin={qrLogin().context.config.publicOrigin}
        isInitiatorTrusted={isInitiatorTrusted(await headers())}
      />
    </ScanFrame>
  )
}
