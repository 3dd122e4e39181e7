'use client'

import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { BLANK_SCAN, Scanner } from '@/lib/client/scanner'
import { mayActUnprompted } from '@/lib/client/unprompted'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { ScanView } from './scan-view'

interface Props {
  text: Catalogue['phone']
  common: Catalogue['common']
  publicOrigin: string
  /** Whether no foreign page can have led to this document. */
  isInitiatorTrusted: boolean
}

/** The scanner, alive. */
export function ScanPanel({ text, common, publicOrigin, isInitiatorTrusted }: Props) {
  const video = useRef<HTMLVideoElement>(null)
  const [scanner, setScanner] = useState<Scanner | null>(null)
  useEffect(() => {
    if (video.current === null) return
    const made = new Scanner(video.current, {
      ownOrigins: [publicOrigin, location.origin],
      mayStartUnprompted: mayActUnprompted(isInitiatorTrusted),
      onCode: (code) => location.assign(`/q#${code}`),
    })
    setScanner(made)
    return made.open()
  }, [publicOrigin, isInitiatorTrusted])
  const screen = useSyncExternalStore(scanner?.screen.subscribe ?? never, scanner?.screen.get ?? getBlank, getBlank)
  return (
    <ScanView
      video={video}
      screen={screen}
      text={text}
      common={common}
      onStart={() => void scanner?.start()}
      onLight={() => void scanner?.switchLight()}
      onPhoto={(photo) => void scanner?.readPhoto(photo)}
      onLink={(link) => scanner?.readText(link)}
    />
  )
}

const never = () => () => {}
const getBlank = () => BLANK_SCAN
