'use client'

import type { ReactNode, Ref } from 'react'
import type { ScanScreen } from '@/lib/client/scanner'
import { Button } from '../../ui/button'
import { useText } from '../../ui/page-text'
import { useHydrated } from '../../ui/use-hydrated'
import { PasteLink } from './paste-link'
import styles from './scan.module.css'

interface Props {
  screen: ScanScreen
  video?: Ref<HTMLVideoElement>
  onStart: () => void
  onLight: () => void
  onPhoto: (photo: File) => void
  onLink: (link: string) => void
}

/** One state of the scanner: the camera, the viewfinder, and the alternatives to a camera. Pure. */
export function ScanView({ screen, video, onStart, onLight, onPhoto, onLink }: Props) {
  const text = useText('scan')
  const isHydrated = useHydrated()
  return (
    <div className={styles.page} data-testid="scanner" data-state={screen.state}>
      <video ref={video} className={styles.video} muted playsInline aria-hidden="true" tabIndex={-1} />
      <header className={styles.header}>
        <a className={styles.back} href="/phone">
          <span className="visually-hidden">{text.back}</span>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M15 5l-7 7l7 7" />
          </svg>
        </a>
        <h1>{text.title}</h1>
      </header>
      <main className={styles.main}>
        <Body screen={screen} onStart={onStart} />
        <div role="alert" className={styles.notice}>
          {screen.foreign === null ? null : (
            <p>
              <strong>{text.foreignCode}</strong> <span className={styles.foreign}>{screen.foreign.slice(0, 300)}</span>
            </p>
          )}
          {screen.isPhotoEmpty ? <p>{text.photoEmpty}</p> : null}
        </div>
      </main>
      <footer className={styles.bar}>
        {screen.isLightOn === null ? null : (
          <button type="button" className={styles.tool} aria-pressed={screen.isLightOn} onClick={onLight}>
            {text.light}
          </button>
        )}
        <label className={styles.tool}>
          {text.usePhoto}
          <input
            type="file"
            accept="image/*"
            className="visually-hidden"
            data-testid="use-photo"
            disabled={!isHydrated}
            onChange={(event) => {
              const [photo] = event.currentTarget.files ?? []
              event.currentTarget.value = ''
              if (photo !== undefined) onPhoto(photo)
            }}
          />
        </label>
        {/* Loads a new document: only this one may use the camera. */}
        <a className={styles.tool} href="/q">
          {text.typeCode}
        </a>
        <PasteLink onLink={onLink} />
      </footer>
    </div>
  )
}

function Body({ screen, onStart }: Pick<Props, 'screen' | 'onStart'>): ReactNode {
  const text = useText('scan')
  const { tryAgain } = useText('common')
  const again = <Button kind="primary" label={tryAgain} onClick={onStart} />
  switch (screen.state) {
    case 'primer':
      return (
        <Words hint={text.primer}>
          <Button kind="primary" label={text.useCamera} onClick={onStart} testId="use-camera" />
        </Words>
      )
    case 'starting':
    case 'paused':
      return <Viewfinder hint={text.starting} />
    case 'scanning':
      return <Viewfinder hint={screen.isSlow ? text.slow : text.hint} />
    case 'found':
      return <Viewfinder hint={text.found} isFound />
    case 'blocked':
      return (
        <Words title={text.cameraBlocked} hint={text.cameraBlockedHint}>
          {again}
        </Words>
      )
    case 'no_camera':
      return <Words title={text.noCamera} hint={text.noCameraHint} />
    case 'busy':
      return (
        <Words title={text.cameraBusy} hint={text.cameraBusyHint}>
          {again}
        </Words>
      )
    case 'needs_https':
      return <Words title={text.needsHttps} hint={text.needsHttpsHint} />
    case 'failed':
      return (
        <Words title={text.cameraFailed} hint={text.cameraFailedHint}>
          {again}
        </Words>
      )
    default:
      return screen.state satisfies never
  }
}

/** The squares to fit the code in. */
function Viewfinder({ hint, isFound = false }: { hint: string; isFound?: boolean }) {
  return (
    <>
      <p className={styles.hint} role="status">
        {hint}
      </p>
      <div className={styles.finder} data-found={isFound}>
        <Corner />
        <Corner />
        <Corner />
      </div>
    </>
  )
}

/** 回, the finder square of a code. */
function Corner() {
  return (
    <svg className={styles.corner} viewBox="0 0 34 34" aria-hidden="true">
      <rect x="2" y="2" width="30" height="30" rx="9" />
      <rect className={styles.core} x="12" y="12" width="10" height="10" rx="3" />
    </svg>
  )
}

function Words({ title, hint, children }: { title?: string; hint: string; children?: ReactNode }) {
  return (
    <div className={styles.words} role="status">
      {title === undefined ? null : <h2>{title}</h2>}
      <p>{hint}</p>
      {children}
    </div>
  )
}
