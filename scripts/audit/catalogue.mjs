/**
 * The six flaws of "Demystifying the (In)Security of QR Code-based Login in Real-world Deployments"
 * (USENIX Security 2025).
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
 * The mitigations of RFC 10027 (BCP 247), section 6.1, titled as published. `otherwise`
 * is printed if no check of the run is about one: why no request shows it.
 * @type {Record<string, [title: string, otherwise?: string]>}
 */
export const MITIGATIONS = {
  '6.1.1': ['Establish Proximity'],
  '6.1.2': ['Short-Lived/Timebound QR or User Codes'],
  '6.1.3': ['One-Time or Limited Use Codes'],
  '6.1.4': ['Unique Codes'],
  '6.1.5': ['Content Filtering', 'filters of mail and chat: outside the server'],
  '6.1.6': ['Detect and Remediate'],
  '6.1.7': ['Trusted Devices', 'which devices may start is a setting that no request shows'],
  '6.1.8': ['Trusted Networks', 'an allow-list cannot be seen from an address on it'],
  '6.1.9': ['Limited Scopes'],
  '6.1.10': ['Short-Lived Tokens', 'a session lives longer than a run of this audit'],
  '6.1.11': ['Rate Limits'],
  '6.1.12': ['Sender-Constrained Tokens'],
  '6.1.13': ['User Education', 'texts, which no request tests'],
  '6.1.14': ['User Experience'],
  '6.1.15': ['Authenticate-then-Initiate', 'not in the protocol: a computer starts without an account'],
  '6.1.16': ['Request Initiation Verification', 'by the number, where the deployment requires it'],
  '6.1.17': ['Request Binding with Out-of-Band Data', 'not in the protocol: nothing is entered before the code'],
}
