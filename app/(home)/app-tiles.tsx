import type { OpenableApp } from '@/lib/apps/apps'
import { AppLogo } from '../ui/app-logo'
import { useText } from '../ui/page-text'
import styles from './app-tiles.module.css'
import home from './home.module.css'

/** Links to the apps that the person can open; nothing where there are none. */
export function AppTiles({ apps }: { apps: readonly OpenableApp[] }) {
  const text = useText('home')
  if (apps.length === 0) return null
  return (
    <section className={home.section}>
      <h2>{text.apps}</h2>
      <ul className={styles.tiles}>
        {apps.map((app) => (
          <li key={app.clientId}>
            <a
              className={styles.tile}
              href={app.url}
              rel="noopener"
              referrerPolicy="no-referrer"
              data-testid="app-tile"
              data-client-id={app.clientId}
            >
              <AppLogo app={app} size={44} />
              <span className={styles.words}>
                <strong>{app.name}</strong>
                {app.host === null ? null : <span className="quiet">{app.host}</span>}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
