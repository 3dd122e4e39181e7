import { formatShortCode, parseShortCode } from '../core/attempt/short-code'
import { parseCodeFragment, toHash } from './code-fragment'

/** The part of the browser that keeps the code. */
interface CodeAddress {
  readHash: () => string
  writeHash: (hash: string) => void
}

/**
 * The code that the phone scans: of a link, or typed. It is kept in the fragment of the address, so
 * that it survives a reload, and a sign-in at a provider.
 */
export class ApprovalCode {
  readonly #address: CodeAddress
  #text = ''
  #mayScan = false

  constructor(address: CodeAddress) {
    this.#address = address
  }

  /** Empty: there is none. */
  get text(): string {
    return this.#text
  }

  /** Whether this code may be scanned: the document is trusted, or the person tapped or typed. */
  get mayScan(): boolean {
    return this.#mayScan
  }

  /** Whether the code is a short code, also one in a link. */
  get isShort(): boolean {
    return parseShortCode(this.#text) !== null
  }

  /** Reads the fragment. `mayAct`: whether its code may be scanned without a tap. */
  read(mayAct: boolean): void {
    const { code, waitsForTap } = parseCodeFragment(this.#address.readHash())
    this.#text = code
    this.#mayScan = mayAct && !waitsForTap
    this.#write()
  }

  /** The person allows the scan of a code that was in a link. */
  allow(): void {
    this.#mayScan = true
    this.#write()
  }

  /** False, and nothing is changed, if the text is no short code. */
  type(typed: string): boolean {
    const code = parseShortCode(typed)
    if (code === null) return false
    this.#text = formatShortCode(code)
    this.allow()
    return true
  }

  forget(): void {
    this.#text = ''
    this.#address.writeHash('')
  }

  #write(): void {
    const hash = toHash({ code: this.#text, waitsForTap: !this.#mayScan })
    if (hash !== this.#address.readHash()) this.#address.writeHash(hash)
  }
}
