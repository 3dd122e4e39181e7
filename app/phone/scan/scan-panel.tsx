'use client'

import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { BLANK_SCAN, Scanner } from '@/lib/client/scanner'
import { mayActUnprompted } from '@/lib/client/unprompted'
import { ScanView } from './scan-view'

interface Props {
  publicOrigin: string
  /** False if a foreign page may have opened this document. */
  isInitiatorTrusted: boolean
}

/** State and effects of the scanner. */
export function ScanPanel({ publicOrigin, isInitiatorTrusted }: Props) {
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
      onStart={() => void scanner?.start()}
      onLight={() => void scanner?.switchLight()}
      onPhoto={(photo) => void scanner?.readPhoto(photo)}
      onLink={(link) => scanner?.readText(link)}
    />
  )
}

const never = () => () => {}
const getBlank = () => BLANK_SCAN
