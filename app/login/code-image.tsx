'use client'

import { QRCodeSVG } from 'qrcode.react'
import { useEffect, useRef } from 'react'
import { readModules } from '@/lib/client/mosaic'
import type { DrawnCode } from './become'

const SIZE = 268
const TILE = 284
const QUIET_ZONE = 4

interface Props {
  url: string
  title: string
  /** Called with the drawn modules, from which the mosaic starts. */
  onDrawn?: ((code: DrawnCode) => void) | undefined
}

/** Dark on white in every theme; error correction L with boost; quiet zone of 4 modules. */
export function CodeImage({ url, title, onDrawn }: Props) {
  const ref = useRef<SVGSVGElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new URL is a new drawing
  useEffect(() => {
    const across = ref.current?.viewBox.baseVal.width ?? 0
    const path = ref.current?.querySelector('path:last-of-type')?.getAttribute('d') ?? ''
    onDrawn?.({ modules: readModules(path, across, QUIET_ZONE), across, share: SIZE / TILE })
  }, [url, onDrawn])
  return (
    <QRCodeSVG
      ref={ref}
      data-testid="qr-code"
      value={url}
      title={title}
      size={SIZE}
      level="L"
      marginSize={QUIET_ZONE}
      fgColor="var(--qr-ink)"
      bgColor="transparent"
    />
  )
}
