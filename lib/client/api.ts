import type { CancelledBy } from '../core/attempt/attempt'
import type { ErrorCode } from '../core/errors'

/** What became of a request: an answer, a refusal with its code, or nothing at all (`network`). */
export type Answer<T> = { ok: true; value: T } | Refused

export interface Refused {
  ok: false
  code: ErrorCode | 'network'
  /** From `Retry-After`; null when the server named no time. */
  retryAfterMs: number | null
  requestId: string | null
  attemptsLeft: number | null
  /** What cancelled the attempt: `attempt_ended`, to the phone that scanned it. */
  cancelledBy?: CancelledBy
}

type Method = 'GET' | 'POST' | 'DELETE'

const TIMEOUT_MS = 10_000

export interface CallOptions {
  body?: unknown
  /** Survives the page: for what is sent while leaving. */
  keepalive?: boolean
  timeoutMs?: number
  signal?: AbortSignal
}

/** Asks our own server. Never throws; an answer without a body has the value null. */
export async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<Answer<T>> {
  const { body, keepalive = false, timeoutMs = TIMEOUT_MS, signal } = options
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, timeoutMs)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  try {
    const response = await fetch(path, {
      method,
      keepalive,
      cache: 'no-store',
      signal: controller.signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    })
    const text = await response.text()
    const value = text === '' ? null : JSON.parse(text)
    return response.ok ? { ok: true, value } : toRefused(response, value)
  } catch {
    return { ok: false, code: 'network', retryAfterMs: null, requestId: null, attemptsLeft: null }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

function toRefused({ headers }: Response, problem: Record<string, unknown> | null): Refused {
  const retryAfter = headers.get('retry-after')
  const cancelledBy = problem?.cancelledBy as CancelledBy | undefined
  return {
    ok: false,
    // An answer that is not ours (a proxy's error page) tells as little as none.
    code: (problem?.code as ErrorCode | undefined) ?? 'network',
    retryAfterMs: retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : null,
    requestId: typeof problem?.requestId === 'string' ? problem.requestId : null,
    attemptsLeft: typeof problem?.attemptsLeft === 'number' ? problem.attemptsLeft : null,
    ...(cancelledBy === undefined ? {} : { cancelledBy }),
  }
}
