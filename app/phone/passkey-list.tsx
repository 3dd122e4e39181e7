'use client'

import { useState } from 'react'
import { MAX_PASSKEY_NAME_CHARS, type PasskeyView } from '@/lib/core/account/passkey'
import { format } from '@/lib/i18n/format'
import { Ago } from '../ui/ago'
import { AnswerDialog } from '../ui/answer-dialog'
import { Button } from '../ui/button'
import list from '../ui/device-list.module.css'
import { useText } from '../ui/page-text'
import styles from './passkey-list.module.css'

interface Props {
  passkeys: PasskeyView[]
  isBusy: boolean
  onRename: (id: string, name: string) => void
  onRemove: (id: string) => void
}

/** Passkeys, each with buttons that open a dialog to rename or to remove it. */
export function PasskeyList({ passkeys, isBusy, onRename, onRemove }: Props) {
  const text = useText('passkeys')
  const [chosen, setChosen] = useState<{ passkey: PasskeyView; to: 'rename' | 'remove' } | null>(null)

  function close(answer: FormData | null) {
    setChosen(null)
    if (answer === null || chosen === null) return
    const { passkey, to } = chosen
    const name = String(answer.get('name')).trim()
    if (to === 'remove') onRemove(passkey.id)
    else if (name !== '' && name !== passkey.name) onRename(passkey.id, name)
  }

  if (passkeys.length === 0) return <p className={list.empty}>{text.none}</p>
  return (
    <>
      <ul className={list.list}>
        {passkeys.map((passkey) => (
          <li key={passkey.id} className={list.row} data-testid="passkey-row" data-passkey-id={passkey.id}>
            <span className={list.facts}>
              <strong className={styles.name}>{passkey.name}</strong>
              {passkey.synced ? <span className={list.badge}>{text.synced}</span> : null}
              <span className={`quiet ${styles.times}`}>
                <Ago since={passkey.addedAt} text={text.added} />
                {passkey.lastUsedAt === null ? null : (
                  <>
                    {' · '}
                    <Ago since={passkey.lastUsedAt} text={text.lastUsed} />
                  </>
                )}
              </span>
            </span>
            <span className={styles.steps}>
              <Button
                label={text.rename}
                onClick={() => setChosen({ passkey, to: 'rename' })}
                isDisabled={isBusy}
                testId="rename-passkey"
              />
              <Button
                kind="danger"
                label={text.remove}
                onClick={() => setChosen({ passkey, to: 'remove' })}
                isDisabled={isBusy}
                testId="remove-passkey"
              />
            </span>
          </li>
        ))}
      </ul>
      {chosen?.to === 'rename' ? (
        <AnswerDialog
          title={text.renameTitle}
          cancelLabel={text.cancel}
          yesLabel={text.save}
          kind="primary"
          testId="rename-passkey-confirm"
          onClose={close}
        >
          <input
            className="field"
            name="name"
            aria-label={text.name}
            defaultValue={chosen.passkey.name}
            maxLength={MAX_PASSKEY_NAME_CHARS}
            autoComplete="off"
            required
          />
        </AnswerDialog>
      ) : null}
      {chosen?.to === 'remove' ? (
        <AnswerDialog
          title={format(text.removeTitle, { name: chosen.passkey.name })}
          cancelLabel={text.cancel}
          yesLabel={text.remove}
          kind="danger"
          testId="remove-passkey-confirm"
          onClose={close}
        >
          <p className="quiet">{text.removeHint}</p>
        </AnswerDialog>
      ) : null}
    </>
  )
}
