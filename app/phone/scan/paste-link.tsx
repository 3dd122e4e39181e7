'use client'

import type { FormEvent } from 'react'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { useHydrated } from '../../ui/use-hydrated'
import styles from './scan.module.css'

/** For a code that came by another way than the camera. What is pasted is read at once, what is typed when it is sent. */
export function PasteLink({ text, onLink }: { text: Catalogue['phone']; onLink: (link: string) => void }) {
  const isHydrated = useHydrated()

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    onLink(String(new FormData(event.currentTarget).get('link')))
  }

  return (
    // By POST, should the browser ever send it itself: a link that holds a code has no place in a URL.
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
