import type { CancelledBy } from '../core/attempt/attempt'
import type { ErrorCode } from '../core/errors'

/** The result of a request: a response, a refusal with its code, or no response (`network`). */
export type Answer<T> = { ok: true; value: T } | Refused

export interface Refused {
  ok: false
  code: ErrorCode | 'network'
  /** From `Retry-After`; null without a usable header. */
  retryAfterMs: number | null
  requestId: string | null
  attemptsLeft: number | null
  /** With `attempt_ended`, for the phone that scanned the cancelled attempt. */
  cancelledBy?: CancelledBy
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

const TIMEOUT_MS = 10_000

export interface CallOptions {
  body?: unknown
  /** For requests that must complete although the page is closed. */
  keepalive?: boolean
  timeoutMs?: number
  signal?: AbortSignal
}

/** Sends a request to our server. Never throws. `value` is null for a response without a body. */
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
    // A problem document without a code is not from our server, but from a proxy.
    code: (problem?.code as ErrorCode | undefined) ?? 'network',
    retryAfterMs: retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : null,
    requestId: typeof problem?.requestId === 'string' ? problem.requestId : null,
    attemptsLeft: typeof problem?.attemptsLeft === 'number' ? problem.attemptsLeft : null,
    ...(cancelledBy === undefined ? {} : { cancelledBy }),
  }
}
