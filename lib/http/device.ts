import Bowser from 'bowser'

const MAX_CHARS = 512

/**
 * Families only: frozen user agents make versions lies. Null for what the user agent does not say.
 */
export function describeDevice(userAgent: string | null): { browser: string | null; os: string | null } {
  if (userAgent === null || userAgent === '') return { browser: null, os: null }
  const { browser, os } = Bowser.parse(userAgent.slice(0, MAX_CHARS))
  return { browser: browser.name?.replace('Microsoft ', '') || null, os: os.name || null }
}
