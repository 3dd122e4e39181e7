/**
 * The code that a person types where the camera fails, and the user code of a device (RFC 8628).
 * This file is also part of pages: it imports nothing.
 */

/** 20 letters without vowels, so that no code is a word (RFC 8628, section 6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
const SHORT_CODE = new RegExp(`^[${LETTERS}]{${LENGTH}}$`)

/** Bytes from here on are skipped: with them the first letters would be more frequent. */
const BYTES_USED = 256 - (256 % LETTERS.length)

/** Returns 8 letters. Each of the 20^8 codes is equally likely if the bytes are. */
export function drawShortCode(randomBytes: (size: number) => Uint8Array): string {
  let code = ''
  while (code.length < LENGTH) {
    for (const byte of randomBytes(LENGTH)) {
      if (byte < BYTES_USED && code.length < LENGTH) code += LETTERS[byte % LETTERS.length]
    }
  }
  return code
}

/**
 * The 8 letters in a typed text: in any letter case and width, with any dashes and spaces. Null if
 * the text is no short code.
 */
export function parseShortCode(text: string): string | null {
  const letters = text
    .normalize('NFKC')
    .replace(/[\s\p{Pd}]/gu, '')
    .toUpperCase()
  return SHORT_CODE.test(letters) ? letters : null
}

/** `code`: 8 letters. Returns them as people read them: `WDJB-MJHT`. */
export function formatShortCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`
}
