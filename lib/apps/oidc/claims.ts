import { type PersonRecord, personOf } from '../../core/account/person'

/** What each scope gives an app (OpenID Connect Core 1.0, section 5.4; `groups` is ours). */
export const CLAIMS_OF_SCOPES = {
  openid: ['sub', 'sid', 'amr', 'auth_time'],
  profile: ['name', 'picture', 'preferred_username'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
}

export const SCOPES = [...Object.keys(CLAIMS_OF_SCOPES), 'offline_access']

/** The claims of a person; what is not known is left out. `publicOrigin`: of relative pictures. */
export function toClaims(record: PersonRecord, publicOrigin: string) {
  const { id, name, avatarUrl, username, email, emailVerified, groups } = personOf(record)
  return {
    sub: id,
    name,
    groups,
    ...(avatarUrl === null ? {} : { picture: new URL(avatarUrl, publicOrigin).href }),
    ...(username === null ? {} : { preferred_username: username }),
    ...(email === null ? {} : { email, email_verified: emailVerified }),
  }
}
