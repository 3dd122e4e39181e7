import type { AskingApp } from '@/lib/core/attempt/app'
import { format } from '@/lib/i18n/format'
import { AppLogo } from '../ui/app-logo'
import { useText } from '../ui/page-text'
import { useScopeWords } from '../ui/scope-words'
import { Weighted } from '../ui/weighted'
import styles from './app-question.module.css'

/** What is signed in to, and where the app is. */
export function QuestionTitle({ app, isDevice }: { app: AskingApp | null; isDevice: boolean }) {
  const text = useText('approval')
  if (app === null) return <h1>{text.question}</h1>
  return (
    <div className={styles.title}>
      <AppLogo app={app} size={48} />
      <div className={styles.words}>
        <h1>
          <Weighted text={format(isDevice ? text.questionDevice : text.questionApp, { app: app.name })} />
        </h1>
        {app.host === null ? null : <p className="quiet">{app.host}</p>}
      </div>
    </div>
  )
}

/** The code that the device shows: the person compares it. */
export function UserCode({ code }: { code: string }) {
  const text = useText('approval')
  return (
    <div className={styles.device}>
      <p className={styles.code} data-testid="user-code">
        {code}
      </p>
      <p className={styles.only}>{text.deviceCode}</p>
    </div>
  )
}

/** What an app of a third party gets, and that the sign-in agrees to it. Nothing for our own. */
export function AppRequest({ id, app }: { id: string; app: AskingApp }) {
  const text = useText('approval')
  const words = useScopeWords(app.scopes ?? [])
  if (app.scopes === null) return null
  return (
    <div id={id} className={styles.asks} data-testid="app-asks">
      <h2>{format(text.asksFor, { app: app.name })}</h2>{' '}
      <ul className={styles.scopes}>
        {words.map((word) => (
          <li key={word}>{word}</li>
        ))}
      </ul>{' '}
      <p className="quiet">{text.agree}</p>
    </div>
  )
}
