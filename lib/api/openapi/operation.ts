import type { ErrorCode } from '../../core/errors'
import type { SchemaName } from './schemas'

/**
 * The client that may send the request. `phone`: with a phone's cookie or a bearer token;
 * `account`: with one of these, or a computer's cookie.
 */
export type Requester = 'any' | 'browser' | 'computer' | 'phone' | 'account' | 'metrics'

export type HeaderName = 'ETag' | 'Location' | 'Set-Cookie' | 'Clear-Site-Data' | 'Retry-After'

/** A good response. Without a body where there is neither `json`, `events` nor `text`. */
export interface ExpectedResponse {
  description: string
  json?: SchemaName
  /** An event stream: event names, and what their data is. */
  events?: Readonly<Record<string, SchemaName>>
  /** Another media type, whose body is text. */
  text?: string
  headers?: readonly HeaderName[]
}

export interface Operation {
  operationId: string
  summary: string
  requester: Requester
  /** Also answers clients that are not signed in: no 401 `unauthenticated`. */
  isOpen?: boolean
  /** Integers, unless they are one of `words`, or text. */
  query?: Readonly<Record<string, { description: string; words?: readonly string[]; isText?: true }>>
  body?: SchemaName
  /** The body may be that of an HTML form. */
  takesForms?: true
  /** By status. */
  responses: Readonly<Record<number, ExpectedResponse>>
  /** Refusals beyond those that follow from method, path and requester. */
  codes?: readonly ErrorCode[]
  /** `If-None-Match` is evaluated. */
  isConditional?: boolean
}

/** The operations of one path, by method. */
export type Methods = Readonly<Partial<Record<'get' | 'post' | 'patch' | 'delete', Operation>>>

export const done = (description: string): ExpectedResponse => ({ description })

export const NOT_MODIFIED: ExpectedResponse = { description: 'Not changed since.', headers: ['ETag'] }
