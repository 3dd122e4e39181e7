import { createInterface } from 'node:readline'
import { isClientName } from '../../lib/apps/client-schema.mjs'
import { findPageProblem } from '../../lib/apps/client-uri.mjs'
import { isTarget, TARGETS } from './snippets.mjs'
import { RefusedError } from './write-entry.mjs'

/** @typedef {import('./snippets.mjs').Target} Target */

/**
 * An app. `url`: its address without a slash at the end.
 * @typedef {{ name: string, url: string, target: Target }} App
 */

/**
 * Takes the options that were given, and asks for the others. A wrong option is refused; a wrong
 * answer is asked for again.
 * @param {{ name: string | undefined, url: string | undefined, target: Target | undefined }} given
 * @param {import('./texts.mjs').Texts} texts
 * @returns {Promise<App>}
 */
export async function askForApp(given, texts) {
  const answers = readAnswers()
  /**
   * @template T
   * @param {string | undefined} option
   * @param {string} question
   * @param {(text: string) => T | null} read null: the answer is wrong
   * @param {string} problem
   */
  const ask = async (option, question, read, problem) => {
    if (option !== undefined) {
      const value = read(option.trim())
      if (value === null) throw new RefusedError(problem)
      return value
    }
    for (;;) {
      process.stdout.write(`${question} `)
      const answer = await answers.next()
      if (answer.done) throw new RefusedError(`\n${texts.ended}`)
      const value = read(answer.value.trim())
      if (value !== null) return value
      process.stdout.write(`${problem}\n`)
    }
  }
  try {
    const name = await ask(given.name, texts.askName, readName, texts.badName)
    const url = await ask(given.url, texts.askUrl, readUrl, texts.badUrl)
    const list = Object.values(TARGETS).map(({ label }, index) => `  ${index + 1}  ${label}`)
    const question = `${[texts.askTarget, ...list].join('\n')}\n>`
    const target = await ask(given.target, question, readTarget, texts.badTarget(Object.keys(TARGETS).join(', ')))
    return { name, url, target }
  } finally {
    await answers.return?.()
  }
}

/** The lines of stdin. It is opened by the first question. */
async function* readAnswers() {
  const lines = createInterface({ input: process.stdin, terminal: false })
  try {
    yield* lines
  } finally {
    lines.close()
    process.stdin.destroy()
  }
}

/** @param {string} text */
function readName(text) {
  return isClientName(text) ? text : null
}

/**
 * The address without query, fragment and the slash at its end. Without a scheme it is https.
 * @param {string} text
 */
function readUrl(text) {
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`
  if (text === '' || !URL.canParse(full)) return null
  const { origin, pathname, username, password } = new URL(full)
  const url = `${origin}${pathname.replace(/\/+$/, '')}`
  return username === '' && password === '' && findPageProblem(url) === null ? url : null
}

/** @param {string} text */
function readTarget(text) {
  const name = Object.keys(TARGETS)[Number(text) - 1] ?? text.toLowerCase()
  return isTarget(name) ? name : null
}
