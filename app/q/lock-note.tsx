import type { ReviewScreen } from '@/lib/client/approval-screen'
import { useText } from '../ui/page-text'
import styles from './approval.module.css'

interface Props extends Pick<ReviewScreen, 'lock' | 'problem'> {
  isBusy: boolean
  onAddPasskey: () => void
}

/** Why the phone's lock is asked for, or why the last try failed. */
export function LockNote({ lock, problem, isBusy, onAddPasskey }: Props) {
  const text = useText('approval')
  if (lock === 'tap') return null
  // Browsers do not say whether the person closed the dialog or this phone has no passkey.
  const mayAdd = lock === 'may_add' || (lock === 'passkey' && problem === 'not_confirmed')
  return (
    <div className={styles.lock} data-problem={problem !== null} data-testid="lock-note" data-lock={lock}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M8 10.500V7.500a4 4 0 0 1 8 0v3M6 10.500h12v9.500H6zM12 14.200v2.200" />
      </svg>
      <p>{problem === null ? text.lock[lock] : text.lockProblems[problem]}</p>
      {mayAdd ? (
        <button type="button" className="link" data-testid="add-passkey" disabled={isBusy} onClick={onAddPasskey}>
          {text.addPasskey}
        </button>
      ) : null}
    </div>
  )
}
