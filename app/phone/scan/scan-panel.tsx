'use client'

import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { BLANK_SCAN, Scanner } from '@/lib/client/scanner'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { ScanView } from './scan-view'

interface Props {
  text: Catalogue['phone']
  common: Catalogue['common']
  publicOrigin: string
}

/** The scanner, alive. */
export function ScanPanel({ text, common, publicOrigin }: Props) {
  const video = useRef<HTMLVideoElement>(null)
  const [scanner, setScanner] = useState<Scanner | null>(null)
  useEffect(() => {
    if (video.current === null) return
    const ownOrigins = [publicOrigin, location.origin]
    const made = new Scanner(video.current, { ownOrigins, onCode: (code) => location.assign(`/q#${code}`) })
    setScanner(made)
    return made.open()
  }, [publicOrigin])
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
