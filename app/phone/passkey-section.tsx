'use client'

import { Button } from '../ui/button'
import { useText } from '../ui/page-text'
import { usePasskeySupport } from '../ui/use-passkey-support'
import { PasskeyList } from './passkey-list'
import styles from './phone.module.css'
import type { Passkeys } from './use-passkeys'

type Props = Omit<Passkeys, 'reload'>

/** The person's passkeys, and a button to add one where the browser can. */
export function PasskeySection({ passkeys, isBusy, problem, add, rename, remove }: Props) {
  const text = useText('passkeys')
  const canAdd = usePasskeySupport(true, true)
  return (
    <section className={styles.section}>
      <h2>{text.title}</h2>
      {passkeys === null ? null : (
        <PasskeyList
          passkeys={passkeys}
          isBusy={isBusy}
          onRename={(id, name) => void rename(id, name)}
          onRemove={(id) => void remove(id)}
        />
      )}
      {canAdd ? <Button label={text.add} onClick={() => void add()} isDisabled={isBusy} testId="add-passkey" /> : null}
      <p role="alert" className={styles.problem}>
        {problem === null ? '' : text.problems[problem]}
      </p>
      <p className="quiet">{canAdd ? text.addHint : text.unsupported}</p>
    </section>
  )
}
