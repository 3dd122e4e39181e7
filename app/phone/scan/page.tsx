import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { qrLogin } from '@/lib/server/shared'
import { isInitiatorTrusted } from '../../ui/initiator'
import { getLocale } from '../../ui/locale'
import { ScanPanel } from './scan-panel'

export async function generateMetadata(): Promise<Metadata> {
  const { text } = await getLocale()
  return { title: text.phone.scan }
}

/** The scanner. Reached and left by whole documents: this one alone may use the camera and run WebAssembly. */
export default async function ScanPage() {
  const { text } = await getLocale()
  return (
    <ScanPanel
      text={text.phone}
      common={text.common}
      publicOrigin={qrLogin().context.config.publicOrigin}
      isInitiatorTrusted={isInitiatorTrusted(await headers())}
    />
  )
}
