'use client'

import { useState } from 'react'
import type { AgreedApp } from '@/lib/apps/apps'
import { format } from '@/lib/i18n/format'
import { Ago } from '../ui/ago'
import { AnswerDialog } from '../ui/answer-dialog'
import { AppLogo } from '../ui/app-logo'
import { Button } from '../ui/button'
import list from '../ui/device-list.module.css'
import { useText } from '../ui/page-text'
import { useScopeWords } from '../ui/scope-words'
import styles from './app-list.module.css'

interface Props {
  apps: AgreedApp[]
  isBusy: boolean
  onRemove: (clientId: string) => void
}

/** Apps, each with what it may see and a button that opens a dialog to remove it. */
export function AppList({ apps, isBusy, onRemove }: Props) {
  const text = useText('apps')
  const [chosen, setChosen] = useState<AgreedApp | null>(null)

  function close(answer: FormData | null) {
    if (answer !== null && chosen !== null) onRemove(chosen.clientId)
    setChosen(null)
  }

  if (apps.length === 0) return <p className={list.empty}>{text.none}</p>
  return (
    <>
      <ul className={list.list}>
        {apps.map((app) => (
          <li key={app.clientId} className={list.row} data-testid="app-row" data-client-id={app.clientId}>
            <AppLogo app={app} size={44} />
            <span className={list.facts}>
              <strong className={styles.name}>{app.name}</strong>
              <Scopes scopes={app.scopes} />
              <span className="quiet">
                <Ago since={app.agreedAt} text={text.agreed} />
              </span>
            </span>
            <Button
              kind="danger"
              label={text.remove}
              onClick={() => setChosen(app)}
              isDisabled={isBusy}
              testId="remove-app"
            />
          </li>
        ))}
      </ul>
      {chosen === null ? null : (
        <AnswerDialog
          title={format(text.removeTitle, { app: chosen.name })}
          cancelLabel={text.cancel}
          yesLabel={text.remove}
          kind="danger"
          testId="remove-app-confirm"
          onClose={close}
        >
          <p className="quiet">{text.removeHint}</p>
        </AnswerDialog>
      )}
    </>
  )
}

function Scopes({ scopes }: { scopes: readonly string[] }) {
  const words = useScopeWords(scopes)
  return (
    <ul className={`quiet ${styles.scopes}`}>
      {words.map((word) => (
        <li key={word}>{word}</li>
      ))}
    </ul>
  )
}
