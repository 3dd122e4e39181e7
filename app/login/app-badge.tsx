import type { AppView } from '@/lib/core/attempt/app'
import { format } from '@/lib/i18n/format'
import { AppLogo } from '../ui/app-logo'
import { Weighted } from '../ui/weighted'
import styles from './app-badge.module.css'

/** What is signed in to, below the headline. `text`: contains `{app}`. */
export function AppBadge({ app, text }: { app: AppView; text: string }) {
  return (
    <p className={styles.badge} data-testid="app-badge">
      <AppLogo app={app} size={44} />
      <span className={styles.words}>
        <span>
          <Weighted text={format(text, { app: app.name })} />
        </span>
        {app.host === null ? null : <span className="quiet">{app.host}</span>}
      </span>
    </p>
  )
}
