/**
 * The six flaws of "Demystifying the (In)Security of QR Code-based Login in Real-world Deployments" (USENIX Security 2025).
 * @type {Record<string, string>}
 */
export const FLAWS = {
  F1: 'unbound session',
  F2: 'reusable code',
  F3: 'predictable id',
  F4: 'client-chosen id',
  F5: 'token validation',
  F6: 'data leakage',
}

/**
 * The mitigations of RFC 10027 (BCP 247), section 6.1, with what is said where no request can show them.
 * @type {Record<string, [title: string, elsewhere?: string]>}
 */
export const MITIGATIONS = {
  '6.1.1': ['establish proximity', 'by the number, where the deployment asks for it'],
  '6.1.2': ['short-lived codes'],
  '6.1.3': ['one-time codes'],
  '6.1.4': ['unique codes'],
  '6.1.5': ['content filtering', 'of mails and messages: not the server’s'],
  '6.1.6': ['detect and remediate'],
  '6.1.7': ['trusted devices'],
  '6.1.8': ['trusted networks'],
  '6.1.9': ['limited scopes'],
  '6.1.10': ['short-lived tokens'],
  '6.1.11': ['rate limits'],
  '6.1.12': ['sender-constrained tokens'],
  '6.1.13': ['user education', 'to be read, not tested'],
  '6.1.14': ['user experience', 'to be looked at, not tested'],
  '6.1.15': ['authenticated flow'],
  '6.1.16': ['request verification'],
  '6.1.17': ['request binding with out-of-band data', 'by the number, where the deployment asks for it'],
}
