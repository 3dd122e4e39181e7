'use client'

import { Fragment, useLayoutEffect, useState, useSyncExternalStore } from 'react'
import { LanguageSwitch } from '@/app/ui/language-switch'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import styles from './gallery.module.css'
import { STATES } from './state-view'
import { type Theme, useTheme } from './use-theme'

interface Props {
  locale: Locale
  text: Catalogue
  accounts: { username: string; name: string; avatarUrl: string | null }[]
}

const TITLE = 'States'
const THEMES: Theme[] = ['system', 'light', 'dark']

/** All states side by side, or one of them as large as in the product. */
export function Gallery({ locale, text, accounts }: Props) {
  const [theme, setTheme] = useState<Theme>('system')
  useTheme(theme)
  const shown = useSyncExternalStore(onHash, readHash, () => null)
  // Tests wait for this attribute.
  useLayoutEffect(() => {
    document.documentElement.dataset.shown = shown ?? ''
  }, [shown])
  // Not on the server: the times of the fixtures start in the browser.
  if (shown === null) return null

  const setting = { locale, text, accounts }
  if (shown !== '') {
    const [screen = '', state = ''] = shown.split('/')
    return <Fragment key={shown}>{STATES[screen as keyof typeof STATES]?.[state]?.(setting)}</Fragment>
  }
  return (
    <main className={styles.page}>
      <header className={styles.tools}>
        <h1>{TITLE}</h1>
        {THEMES.map((name) => (
          <button
            key={name}
            type="button"
            className="button"
            aria-pressed={name === theme}
            onClick={() => setTheme(name)}
          >
            {name}
          </button>
        ))}
        <LanguageSwitch locale={locale} label={text.common.otherLanguage} />
      </header>
      {Object.entries(STATES).map(([screen, states]) => (
        <section key={screen} className={styles.screen}>
          <h2>{screen}</h2>
          <ul className={styles.states} data-screen={screen}>
            {Object.entries(states).map(([state, render]) => (
              <li key={state} className={styles.state}>
                <a href={`#${encodeURIComponent(`${screen}/${state}`)}`} data-testid="state-link">
                  {state}
                </a>
                {/* For looking only: nothing in here takes the focus. */}
                <div className={styles.window} inert>
                  <div className={styles.content}>{render(setting)}</div>
                </div>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </main>
  )
}

function onHash(listener: () => void): () => void {
  window.addEventListener('hashchange', listener)
  return () => window.removeEventListener('hashchange', listener)
}

function readHash(): string {
  return decodeURIComponent(location.hash.slice(1))
}
