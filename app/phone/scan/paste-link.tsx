'use client'

import type { FormEvent } from 'react'
import { useText } from '../../ui/page-text'
import { useHydrated } from '../../ui/use-hydrated'
import styles from './scan.module.css'

/** A code without the camera. A pasted link is read at once, a typed link on submit. */
export function PasteLink({ onLink }: { onLink: (link: string) => void }) {
  const text = useText('scan')
  const isHydrated = useHydrated()

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    onLink(String(new FormData(event.currentTarget).get('link')))
  }

  return (
    // POST, in case the browser submits the form itself: a code must not end up in a URL.
    <form className={styles.paste} method="post" onSubmit={submit}>
      <input
        className={styles.link}
        name="link"
        data-testid="paste-link"
        aria-label={text.pasteLink}
        placeholder={text.pasteLink}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        inputMode="url"
        required
        onPaste={(event) => onLink(event.clipboardData.getData('text'))}
      />
      <button type="submit" className={styles.tool} disabled={!isHydrated} data-waiting={!isHydrated}>
        {text.openLink}
      </button>
    </form>
  )
}
