import { z } from 'zod'
import type { Person } from '../core/account/person'
import { toPerson } from './claims'

/** The timeout of a request to an account endpoint. */
const DEADLINE_MS = 3_000

/** A request to another server; the composition root guards where it may go. */
export type Fetch = (
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string; signal?: AbortSignal },
) => Promise<Response>

/** The account source failed: it returned neither a person nor a refusal. */
export class SourceError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SourceError'
  }
}

/** The response of an account endpoint: a person. Strict, so that a misspelt field is found. */
const personBody = z.strictObject({
  id: z.string(),
  name: z.string().optional(),
  avatarUrl: z.string().nullish(),
  username: z.string().nullish(),
  email: z.string().nullish(),
  emailVerified: z.boolean().optional(),
  groups: z.array(z.string()).optional(),
})

/**
 * Requests the person from an account endpoint. Null for a status in `refusalStatuses`.
 * @throws SourceError for any other status but 200, for a body of another shape, and without a
 * complete response within 3 s.
 */
export async function requestPerson(
  fetch: Fetch,
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
  refusalStatuses: readonly number[],
): Promise<Person | null> {
  const response = await send(fetch, url, init)
  if (refusalStatuses.includes(response.status)) return null
  if (response.status !== 200) throw new SourceError(`the endpoint answered ${response.status}`)
  const parsed = personBody.safeParse(await readJson(response))
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path, code }) => `${path.join('.')} (${code})`)
    throw new SourceError(`the endpoint's response is no person: ${fields.join(', ')}`)
  }
  const { id, avatarUrl, username, emailVerified, ...rest } = parsed.data
  const claims = { ...rest, sub: id, picture: avatarUrl, preferred_username: username, email_verified: emailVerified }
  const person = toPerson(claims)
  if (person === null) throw new SourceError("the endpoint's response has no usable id")
  return person
}

async function send(fetch: Fetch, url: string, init: Parameters<Fetch>[1]): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) })
  } catch (error) {
    throw new SourceError('the endpoint did not answer', { cause: error })
  }
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    throw new SourceError("the endpoint's response is not JSON")
  }
}
