'use client'

import { useEffect, useState, useSyncExternalStore } from 'react'
import { Approval } from '@/lib/client/approval'
import type { Person } from '@/lib/core/account/person'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { type DemoAccount, PhoneSignIn } from '../ui/phone-sign-in'
import { ApprovalView } from './approval-view'

interface Props {
  locale: Locale
  text: Catalogue['approval']
  phoneText: Catalogue['phone']
  common: Catalogue['common']
  person: Person | null
  /** Whether no foreign page can have led to this document. */
  isInitiatorTrusted: boolean
  accounts: DemoAccount[]
  host: string
}

/** The phone's question, alive. */
export function ApprovalPanel(props: Props) {
  const { locale, text, phoneText, common, person, isInitiatorTrusted, accounts, host } = props
  // Once: of a later request, such as for another language, it would say nothing about the document.
  const [approval] = useState(() => new Approval({ isPhoneSignedIn: person !== null, isInitiatorTrusted }))
  const [signedIn, setSignedIn] = useState(person)
  const screen = useSyncExternalStore(approval.screen.subscribe, approval.screen.get, approval.screen.get)
  useEffect(() => approval.open(), [approval])

  function signIn(someone: Person) {
    setSignedIn(someone)
    approval.signedIn()
  }

  return (
    <ApprovalView
      screen={screen}
      locale={locale}
      text={text}
      common={common}
      person={signedIn}
      host={host}
      signIn={<PhoneSignIn text={phoneText} accounts={accounts} onSignedIn={signIn} />}
      onContinue={() => approval.goOn()}
      onApprove={() => void approval.approve()}
      onDecline={() => void approval.decline()}
      onSignOut={() => void approval.signItOut()}
      onAgain={() => approval.again()}
    />
  )
}
