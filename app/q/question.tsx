'use client'

import { type ReactNode, useEffect, useState } from 'react'
import type { ApprovalStep, ReviewScreen } from '@/lib/client/approval-screen'
import { format, formatDevice } from '@/lib/i18n/format'
import { formatAgo } from '@/lib/i18n/format-ago'
import { useLocale, useText } from '../ui/page-text'
import { AppRequest, QuestionTitle, UserCode } from './app-question'
import styles from './approval.module.css'
import { LockNote } from './lock-note'

/** The buttons ignore taps for this long: a tap meant for the previous page must not answer. */
const GUARD_MS = 700

/** The id of what an app asks for, which describes the button that agrees to it. */
const AGREEMENT = 'agreement'

interface Props extends ReviewScreen {
  /** What is being done after a tap. */
  step: ApprovalStep | null
  host: string
  onApprove: () => void
  onDecline: () => void
  onAddPasskey: () => void
}

/** The computer, the warning, and two buttons of equal size. They appear together. */
export function Question({ review, lock, problem, step, host, onApprove, onDecline, onAddPasskey }: Props) {
  const locale = useLocale()
  const text = useText('approval')
  const isArmed = useGuard()
  const { app, userCode, computer, match } = review
  const device = formatDevice(computer)
  const isDue = match.required && !match.passed
  const isBusy = step !== null
  const isThirdParty = app !== null && app.scopes !== null
  // While the number is due, only what comes before it; what the app gets comes with the button.
  const hasLockNote = !isDue || lock === 'must_add' || lock === 'unable'
  const approveText = step === 'confirm' ? text.submitting : text.signIn
  const addText = step === 'add_passkey' ? text.addingPasskey : text.addPasskey
  return (
    <>
      <QuestionTitle app={app} isDevice={userCode !== undefined} />
      {userCode === undefined ? null : <UserCode code={userCode} />}
      <dl className={styles.facts} data-compact={app !== null}>
        <Fact name={text.device}>
          {userCode === undefined ? (device ?? text.unknownDevice) : text.deviceAsks}
          {userCode === undefined ? (
            <span className={styles.badge} data-known={computer.known}>
              {computer.known ? text.known : text.isNew}
            </span>
          ) : null}
        </Fact>
        {computer.place === null ? null : (
          <Fact name={text.location}>{format(text.near, { place: computer.place })}</Fact>
        )}
        <Fact name={text.requested}>{formatAgo(computer.requestedAgoMs, locale)}</Fact>
        <Fact name={text.site}>{host}</Fact>
      </dl>
      {isDue && lock !== 'unable' ? (
        <div className={styles.numberCard}>
          <p className={styles.numberTitle}>{text.number}</p>
          <ul className={styles.numberHint}>
            {match.reasons.map((reason) => (
              <li key={reason}>{text.numberReasons[reason]}</li>
            ))}
          </ul>
          <p className={styles.number} data-testid="review-number">
            {match.number}
          </p>
        </div>
      ) : null}
      {match.required && match.passed ? (
        <p className={styles.numberMatched} data-testid="number-matched">
          {text.numberMatched}
        </p>
      ) : null}
      {app === null || isDue ? null : <AppRequest id={AGREEMENT} app={app} />}
      {hasLockNote ? (
        <LockNote lock={lock} problem={problem} isBusy={isBusy} onAddPasskey={() => isArmed() && onAddPasskey()} />
      ) : null}
      <p className={styles.warning}>
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M12 3.500L22 20.500H2zM12 10v4.500M12 17.400v.1" />
        </svg>
        <span>{text.warning}</span>
      </p>
      <div className={styles.bar}>
        <button
          type="button"
          className="button"
          data-testid="decline"
          disabled={isBusy}
          onClick={() => isArmed() && onDecline()}
        >
          {step === 'cancel' ? text.declining : text.notMe}
        </button>
        {lock === 'must_add' ? (
          <button
            type="button"
            className="button primary"
            data-testid="add-passkey"
            disabled={isBusy}
            onClick={() => isArmed() && onAddPasskey()}
          >
            {addText}
          </button>
        ) : null}
        {lock === 'must_add' || lock === 'unable' ? null : (
          <button
            type="button"
            className="button primary"
            data-testid="approve"
            disabled={isBusy || isDue}
            aria-describedby={isThirdParty ? AGREEMENT : undefined}
            onClick={() => isArmed() && onApprove()}
          >
            {approveText}
          </button>
        )}
      </div>
    </>
  )
}

function useGuard(): () => boolean {
  const [armedAt, setArmedAt] = useState(Number.POSITIVE_INFINITY)
  useEffect(() => setArmedAt(performance.now() + GUARD_MS), [])
  return () => performance.now() >= armedAt
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={styles.fact}>
      <dt className="quiet">{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
