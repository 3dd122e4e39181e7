'use client'

import type { ReactNode, Ref } from 'react'
import type { ScanScreen } from '@/lib/client/scanner'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { Button } from '../../ui/button'
import { useHydrated } from '../../ui/use-hydrated'
import { PasteLink } from './paste-link'
import styles from './scan.module.css'

interface Props {
  screen: ScanScreen
  text: Catalogue['phone']
  common: Catalogue['common']
  video?: Ref<HTMLVideoElement>
  onStart: () => void
  onLight: () => void
  onPhoto: (photo: File) => void
  onLink: (link: string) => void
}

/** What the scanner shows: the camera's picture, three squares to fit the code in, and the ways around a camera. */
export function ScanView({ screen, text, common, video, onStart, onLight, onPhoto, onLink }: Props) {
  const isHydrated = useHydrated()
  const isLooking = ['starting', 'scanning', 'paused', 'found'].includes(screen.state)
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
        <h1>{text.scan}</h1>
      </header>
      <main className={styles.main}>
        {isLooking ? (
          <>
            <p className={styles.hint} role="status">
              {hintOf(screen, text)}
            </p>
            <div className={styles.finder} data-found={screen.state === 'found'}>
              <Corner />
              <Corner />
              <Corner />
            </div>
          </>
        ) : (
          <Stopped screen={screen} text={text} common={common} onStart={onStart} />
        )}
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
        <PasteLink text={text} onLink={onLink} />
      </footer>
    </div>
  )
}

function hintOf({ state, isSlow }: ScanScreen, text: Props['text']): string {
  if (state === 'starting' || state === 'paused') return text.starting
  if (state === 'found') return text.found
  return isSlow ? text.slow : text.scanHint
}

/** 回: what the camera has to find three of. */
function Corner() {
  return (
    <svg className={styles.corner} viewBox="0 0 34 34" aria-hidden="true">
      <rect x="2" y="2" width="30" height="30" rx="9" />
      <rect className={styles.core} x="12" y="12" width="10" height="10" rx="3" />
    </svg>
  )
}

function Stopped({ screen, text, common, onStart }: Pick<Props, 'screen' | 'text' | 'common' | 'onStart'>) {
  const again = <Button kind="primary" label={common.tryAgain} onClick={onStart} />
  switch (screen.state) {
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
      return (
        <Words hint={text.scanPrimer}>
          <Button kind="primary" label={text.useCamera} onClick={onStart} testId="use-camera" />
        </Words>
      )
  }
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
