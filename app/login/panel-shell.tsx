import type { ReactNode } from 'react'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { Button } from '../ui/button'
import styles from './login.module.css'

interface Props {
  text: Catalogue['login']
  /** Whether the code is wanted on a screen as narrow as a phone's. */
  isShown: boolean
  onShow: () => void
  children: ReactNode
}

/** On a narrow screen, first a card with the way to the app; else the panel. */
export function PanelShell({ text, isShown, onShow, children }: Props) {
  return (
    <section className={styles.panel} data-shown={isShown}>
      <div className={styles.onPhone} data-testid="on-phone">
        <h2>{text.onPhone}</h2>
        <a className="button primary" href="/phone">
          {text.openApp}
        </a>
        <Button kind="link" label={text.showAnyway} onClick={onShow} />
      </div>
      {children}
    </section>
  )
}
