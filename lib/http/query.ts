import { ProtocolError } from '../core/errors'

/**
 * A whole number from the query; null when it is not given. @throws ProtocolError `bad_request`.
 */
export function parseCount(query: URLSearchParams, name: string): number | null {
  const values = query.getAll(name)
  if (values.length === 0) return null
  if (values.length > 1 || !/^\d{1,9}$/.test(values[0] ?? '')) throw badQuery(name, 'a whole number, once')
  return Number(values[0])
}

/**
 * One of some words from the query; null when it is not given. @throws ProtocolError `bad_request`.
 */
export function parseWord<T extends string>(query: URLSearchParams, name: string, words: readonly T[]): T | null {
  const values = query.getAll(name)
  if (values.length === 0) return null
  const word = words.find((candidate) => candidate === values[0])
  if (values.length > 1 || word === undefined) throw badQuery(name, `${words.join(' or ')}, once`)
  return word
}

function badQuery(path: string, message: string): ProtocolError {
  return new ProtocolError('bad_request', { errors: [{ path, message }] })
}
