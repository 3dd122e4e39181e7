/**
 * Reads JSON whose mistakes have to be found by a person. `JSON.parse` quotes the text around a
 * mistake, which may be a secret, and silently takes the last of two members with one name.
 *
 * The files of this folder that end in .mjs run without a build: `npm run add-client` uses them in
 * installations that have neither TypeScript nor tsx.
 */

/** A punctuator, a string, or any other token (RFC 8259, sections 2 to 7), after its whitespace. */
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside strings.
  /[\t\n\r ]*(?:([[\]{},:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[Ee][+-]?\d+)?|true|false|null))/y

const WHITESPACE = /[\t\n\r ]*/y

const MAX_DEPTH = 16

/** The text is not the JSON that it has to be. The message has a position, and never a value. */
export class JsonTextError extends Error {
  /**
   * @param {string} text
   * @param {number} index
   * @param {string} problem
   */
  constructor(text, index, problem) {
    const before = text.slice(0, index).split('\n')
    super(`${problem} (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`)
    this.name = 'JsonTextError'
  }
}

/**
 * The value of a JSON text.
 * @param {string} text
 * @returns {unknown}
 * @throws {JsonTextError} for what is no JSON, two members with one name, or deep nesting.
 */
export function parseJsonText(text) {
  new Scanner(text).scan()
  return JSON.parse(text)
}

class Scanner {
  #text
  #index = 0
  /** @param {string} text */
  constructor(text) {
    this.#text = text
  }

  scan() {
    this.#scanValue(0)
    const end = this.#skipWhitespace()
    if (end < this.#text.length) throw this.#toError(end, 'not JSON: there is text after the end')
  }

  /** @param {number} depth */
  #scanValue(depth) {
    const start = this.#skipWhitespace()
    if (depth > MAX_DEPTH) throw this.#toError(start, 'nested too deeply')
    const token = this.#next('a value')
    if (token === '[') this.#scanList(']', () => this.#scanValue(depth + 1))
    else if (token === '{') this.#scanObject(depth)
    else if (/^[\]},:]/.test(token)) throw this.#toError(start, 'not JSON: expected a value')
  }

  /** @param {number} depth */
  #scanObject(depth) {
    const names = new Set()
    this.#scanList('}', () => {
      const start = this.#skipWhitespace()
      const token = this.#next('a name in double quotes')
      if (!token.startsWith('"')) throw this.#toError(start, 'not JSON: expected a name in double quotes')
      const name = JSON.parse(token)
      if (names.has(name)) throw this.#toError(start, 'the same name twice in one object')
      names.add(name)
      this.#expect([':'])
      this.#scanValue(depth + 1)
    })
  }

  /**
   * @param {string} end
   * @param {() => void} scanItem
   */
  #scanList(end, scanItem) {
    if (this.#text[this.#skipWhitespace()] === end) {
      this.#next(end)
      return
    }
    do scanItem()
    while (this.#expect([',', end]) === ',')
  }

  /** @param {string[]} tokens */
  #expect(tokens) {
    const start = this.#skipWhitespace()
    const token = this.#next(tokens.join(' or '))
    if (!tokens.includes(token)) throw this.#toError(start, `not JSON: expected ${tokens.join(' or ')}`)
    return token
  }

  /**
   * @param {string} expected
   * @returns {string}
   */
  #next(expected) {
    const start = this.#skipWhitespace()
    TOKEN.lastIndex = start
    const match = TOKEN.exec(this.#text)
    if (match === null) throw this.#toError(start, `not JSON: expected ${expected}`)
    this.#index = TOKEN.lastIndex
    return match[1] ?? match[2] ?? match[3] ?? ''
  }

  /** The index of the next character that is no whitespace. */
  #skipWhitespace() {
    WHITESPACE.lastIndex = this.#index
    WHITESPACE.exec(this.#text)
    this.#index = WHITESPACE.lastIndex
    return this.#index
  }

  /**
   * @param {number} index
   * @param {string} problem
   */
  #toError(index, problem) {
    return new JsonTextError(this.#text, index, problem)
  }
}
