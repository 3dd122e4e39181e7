import { type PersonRecord, personOf } from '../core/account/person'

/**
 * What an app behind forward auth learns about a person, by header name. All four are always there.
 */
export type IdentityHeaders = Record<'Remote-User' | 'Remote-Name' | 'Remote-Email' | 'Remote-Groups', string>

/**
 * The headers that name a person to an app, in UTF-8: one character for each byte, as header fields
 * are made of bytes. Null if the person has a username that no header can carry as it is: changed,
 * it could be that of another person. Groups that a list with commas cannot carry are left out.
 */
export function toIdentityHeaders(record: PersonRecord): IdentityHeaders | null {
  const { id, name, username, email, groups } = personOf(record)
  const user = username === null || username === '' ? id : username
  if (!isExact(user)) return null
  return {
    'Remote-User': toBytes(user),
    'Remote-Name': toBytes(name.replace(UNSAFE_RUN, ' ').trim()),
    'Remote-Email': toBytes(email !== null && isExact(email) ? email : ''),
    'Remote-Groups': toBytes(groups.filter((group) => isExact(group) && !group.includes(',')).join(',')),
  }
}

/**
 * Control characters, C1 included, line and paragraph separators, and halves of surrogate pairs.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u
const UNSAFE_RUN = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]+/gu

/** Whether a header carries the text as it is: parsers remove outer white space. */
function isExact(text: string): boolean {
  return text !== '' && text.trim() === text && !UNSAFE.test(text)
}

function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
