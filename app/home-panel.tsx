'use client'

import { useCallback, useRef, useState } from 'react'
import { call } from '@/lib/client/api'
import type { EndedBy } from '@/lib/core/session/session'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { HomeView, SignedOutView } from './home-view'
import { useAccount } from './ui/use-account'
import { useComputerNotices } from './ui/use-notices'

interface Props {
  locale: Locale
  text: Catalogue['home']
  phoneText: Catalogue['phone']
  unknownDevice: string
  name: string
  /** The name of this computer; null when it is not known. */
  device: string | null
  /** ISO 8601. */
  signedInAt: string
}

/** The signed-in computer's page, alive: it learns at once when it is signed out from elsewhere. */
export function HomePanel(props: Props) {
  /** Signed out here: what the stream says of it is no news. */
  const isLeaving = useRef(false)
  const [signedOut, setSignedOut] = useState<{ since: string; by: EndedBy | null } | null>(null)
  const onSignedOut = useCallback((by: EndedBy | null) => {
    if (!isLeaving.current) setSignedOut({ since: new Date().toISOString(), by })
  }, [])
  const sessions = useAccount('computer', onSignedOut)
  const { noticed, dismiss } = useComputerNotices(sessions)

  async function signOut() {
    isLeaving.current = true
    const answer = await call('DELETE', '/api/session')
    if (answer.ok) location.assign('/login')
    else isLeaving.current = false
  }

  if (signedOut !== null) return <SignedOutView locale={props.locale} text={props.text} {...signedOut} />
  return (
    <HomeView {...props} sessions={sessions} noticed={noticed} onDismiss={dismiss} onSignOut={() => void signOut()} />
  )
}
