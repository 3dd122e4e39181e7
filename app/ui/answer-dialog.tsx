import { type FormEvent, type ReactNode, useLayoutEffect, useRef } from 'react'
import styles from './answer-dialog.module.css'

interface Props {
  title: string
  /** Below the title. */
  children: ReactNode
  cancelLabel: string
  yesLabel: string
  kind: 'primary' | 'danger'
  /** Of the button with `yesLabel`. */
  testId: string
  /** Called once, when the dialog is closed: with the form for "yes", otherwise with null. */
  onClose: (answer: FormData | null) => void
}

/** A modal dialog with two buttons. It is open while it is rendered. */
export function AnswerDialog({ title, children, cancelLabel, yesLabel, kind, testId, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const answer = useRef<FormData>(null)
  useLayoutEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal()
  }, [])

  function submit(event: FormEvent<HTMLFormElement>) {
    answer.current = new FormData(event.currentTarget)
  }

  return (
    <dialog
      ref={dialog}
      className={styles.dialog}
      aria-labelledby="dialog-title"
      onClose={() => onClose(answer.current)}
    >
      <form method="dialog" onSubmit={submit}>
        <h2 id="dialog-title">{title}</h2>
        {children}
        <div className={styles.answers}>
          {/* Not a submit button: the Enter key in a field means "yes". */}
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            {cancelLabel}
          </button>
          <button type="submit" className={`button ${kind}`} data-testid={testId}>
            {yesLabel}
          </button>
        </div>
      </form>
    </dialog>
  )
}
