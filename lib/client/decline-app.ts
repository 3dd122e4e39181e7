import { call } from './api'

/**
 * Ends the request of an app without a sign-in. Returns the path that tells the app; null if the
 * request has run out or there was no response.
 */
export async function declineApp(interaction: string): Promise<string | null> {
  const path = `/api/interactions/${encodeURIComponent(interaction)}/decline`
  const answer = await call<{ next: string }>('POST', path)
  return answer.ok ? answer.value.next : null
}
