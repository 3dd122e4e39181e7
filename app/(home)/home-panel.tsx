'use client'

import { useCallback, useRef, useState } from 'react'
import type { OpenableApp } from '@/lib/apps/apps'
import { call } from '@/lib/client/api'
import type { EndedBy } from '@/lib/core/session/session'
import { useAccount } from '../ui/use-account'
import { useComputerNotices } from '../ui/use-notices'
import { HomeView, SignedOutView } from './home-view'
import type { Recipe } from './read-recipes'

interface Props {
  name: string
  account: string | null
  /** The name of this computer; null if it is not known. */
  device: string | null
  /** ISO 8601. */
  signedInAt: string
  apps: readonly OpenableApp[]
  recipes: readonly Recipe[]
  /** Of this server. */
  origin: string
}

/** State and effects of the home page. The stream reports a sign-out from elsewhere at once. */
export function HomePanel(props: Props) {
  /** Signed out by this page: the event of the stream is ignored. */
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

  if (signedOut !== null) return <SignedOutView {...signedOut} />
  return (
    <HomeView {...props} sessions={sessions} noticed={noticed} onDismiss={dismiss} onSignOut={() => void signOut()} />
  )
}
