import type { Person } from '../core/account/person'

const MAX_ID_CHARS = 255
const MAX_NAME_CHARS = 100
const MAX_USERNAME_CHARS = 128
const MAX_PICTURE_CHARS = 1024
/** RFC 5321, section 4.5.3.1.3: a path has 256 characters, its brackets included. */
const MAX_EMAIL_CHARS = 254
/** Entra ID puts at most 200 groups in a token. */
const MAX_GROUPS = 200
const MAX_GROUP_CHARS = 255

/** The claims that name the id and the groups, where they are not the standard ones. */
export interface ClaimNames {
  id?: string
  groups?: string
}

/**
 * The person that claims of a verified token describe (OpenID Connect Core 1.0, section 5.1).
 * Claims of another shape are left out. Null without a usable id: a string of 1 to 255 characters,
 * none of them a control character.
 */
export function toPerson(claims: Readonly<Record<string, unknown>>, names: ClaimNames = {}): Person | null {
  const id = toText(claims[names.id ?? 'sub'], MAX_ID_CHARS)
  if (id === null) return null
  const email = toEmail(claims.email)
  const username = toText(claims.preferred_username, MAX_USERNAME_CHARS)
  return {
    id,
    name: toName(claims.name) ?? username ?? id,
    avatarUrl: toAvatarUrl(claims.picture),
    username,
    email,
    emailVerified: email !== null && claims.email_verified === true,
    groups: toGroups(claims[names.groups ?? 'groups']),
  }
}

function toName(name: unknown): string | null {
  if (typeof name !== 'string') return null
  const plain = name.replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu, '').trim()
  // By code points: half of a surrogate pair is no text, and some JSON parsers refuse it.
  return [...plain].slice(0, MAX_NAME_CHARS).join('') || null
}

/** A path on our own origin, or an https address; anything else is no picture. */
function toAvatarUrl(picture: unknown): string | null {
  if (typeof picture !== 'string' || picture.length > MAX_PICTURE_CHARS) return null
  if (/^\/(?![/\\])[\x21-\x7e]*$/.test(picture)) return picture
  return URL.canParse(picture) && new URL(picture).protocol === 'https:' ? new URL(picture).href : null
}

function toEmail(email: unknown): string | null {
  const text = toText(email, MAX_EMAIL_CHARS)
  return text !== null && /^[^\s@]+@[^\s@]+$/u.test(text) ? text : null
}

/** One string is one group: some providers do not send a list for a single one. */
function toGroups(groups: unknown): readonly string[] {
  const list: unknown[] = Array.isArray(groups) ? groups : [groups]
  const names = list.map((group) => toText(group, MAX_GROUP_CHARS)).filter((group) => group !== null)
  return [...new Set(names)].slice(0, MAX_GROUPS)
}

/** Null for what is no text, empty or too long, or has control, surrogate or bidi characters. */
function toText(value: unknown, maxChars: number): string | null {
  if (typeof value !== 'string' || value === '' || value.length > maxChars) return null
  return /\p{Cc}|\p{Cs}|\p{Bidi_Control}/u.test(value) ? null : value
}
