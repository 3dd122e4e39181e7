import type { ReactNode } from 'react'
import { Button } from '../ui/button'
import { useText } from '../ui/page-text'
import styles from './panel-shell.module.css'

interface Props {
  /** Whether the code is shown on a screen as narrow as a phone's. */
  isShown: boolean
  onShow: () => void
  children: ReactNode
}

/** On a narrow screen, first a card that leads to the app; else the panel. */
export function PanelShell({ isShown, onShow, children }: Props) {
  const text = useText('login')
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
