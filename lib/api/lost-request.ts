import type { ProtocolError } from '../core/errors'
import { takesPages } from '../http/navigation'
import { localeOf, plainPage } from '../http/plain-page'
import { statusOf } from '../http/problem'
import type { Call } from '../http/resource'
import { PLAIN_TEXTS } from '../i18n/plain-texts'

/**
 * The page that says to a person that the request of an app has run out, was used before, or
 * belongs to another browser. Null for programs, and for other refusals: they get the problem
 * document.
 */
export function showLostRequest({ code }: ProtocolError, { request: { headers } }: Call): Response | null {
  if (code !== 'interaction_unknown' || !takesPages(headers)) return null
  const locale = localeOf(headers)
  const { title, text, home } = PLAIN_TEXTS[locale].lostRequest
  return plainPage({ status: statusOf(code), title, texts: [text], link: { label: home, path: '/' } }, locale)
}
