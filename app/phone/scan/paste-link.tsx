'use client'

import { useRouter } from 'next/navigation'
import { type FormEvent, useState } from 'react'
import { findCode } from '@/lib/client/code-link'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { useHydrated } from '../../ui/use-hydrated'
import styles from '../phone.module.css'

/** For a code that came by another way than the camera. */
export function PasteLink({ text, publicOrigin }: { text: Catalogue['phone']; publicOrigin: string }) {
  const router = useRouter()
  const isHydrated = useHydrated()
  const [foreign, setForeign] = useState<string | null>(null)

  function open(link: string) {
    const code = findCode(link, [publicOrigin, location.origin])
    setForeign(code === null ? link : null)
    if (code !== null) router.push(`/q#${code}`)
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    open(String(new FormData(event.currentTarget).get('link')))
  }

  return (
    // By POST, should the browser ever send it itself: a link that holds a code has no place in a URL.
    <form className={styles.section} method="post" onSubmit={submit}>
      <label>
        {text.pasteLink}
        <input className="field" name="link" data-testid="paste-link" autoComplete="off" required inputMode="url" />
      </label>
      <button type="submit" className="button primary" disabled={!isHydrated} data-waiting={!isHydrated}>
        {text.openLink}
      </button>
      <div role="alert">
        {foreign === null ? null : (
          <p className={styles.foreign}>
            <strong>{text.foreignCode}</strong> {foreign}
          </p>
        )}
      </div>
    </form>
  )
}
