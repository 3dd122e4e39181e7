import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { chromium, type LaunchOptions } from '@playwright/test'
import { until } from './server'

interface Message {
  id?: number
  method?: string
  // biome-ignore lint/suspicious/noExplicitAny: the answers of the DevTools protocol
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: the same
  result?: any
}

interface Document {
  sessionId: string
  isPrerendered: boolean
}

/**
 * A Chromium that prerenders. Playwright turns that off in its own: a client of the DevTools
 * protocol that attaches to pages rather than to tabs could not follow a page into the one that
 * takes its place.
 */
export class BareChromium {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #answers = new Map<number, (message: Message) => void>()
  readonly #documents: Document[] = []
  #lastId = 0
  #rest = ''

  private constructor(path: string, args: string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), 'qr-login-chromium-'))
    const own = ['--headless=new', '--remote-debugging-pipe', `--user-data-dir=${this.#folder}`]
    this.#process = spawn(path, [...args, ...own, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    const output = this.#process.stdio[4] as Readable
    output.on('data', (chunk: Buffer) => {
      const parts = (this.#rest + chunk.toString()).split('\0')
      this.#rest = parts.pop() ?? ''
      for (const part of parts) this.#onMessage(JSON.parse(part))
    })
  }

  static async start({ executablePath = chromium.executablePath(), args = [] }: LaunchOptions): Promise<BareChromium> {
    const browser = new BareChromium(executablePath, args)
    const { targetInfos } = await browser.#send('Target.getTargets', { filter: [{ type: 'tab' }] })
    const { targetId } = targetInfos[0]
    const { sessionId } = await browser.#send('Target.attachToTarget', { targetId, flatten: true })
    const follow = { autoAttach: true, waitForDebuggerOnStart: false, flatten: true, filter: [{}] }
    await browser.#send('Target.setAutoAttach', follow, sessionId)
    await until(() => browser.#documents.length > 0)
    return browser
  }

  /** Resolves when `expression` is truthy in the document that is shown. */
  async goto(url: string, expression: string): Promise<void> {
    await this.#send('Page.navigate', { url }, this.#find(false)?.sessionId)
    await until(() => this.evaluate(expression))
  }

  /**
   * In the document that is shown; a promise is waited for. Undefined when there is no such
   * document now.
   */
  // biome-ignore lint/suspicious/noExplicitAny: what a page says is what the test asserts
  async evaluate(expression: string): Promise<any> {
    return await this.#evaluateIn(this.#find(false), expression)
  }

  /** In the document that is prerendered. */
  // biome-ignore lint/suspicious/noExplicitAny: the same
  async evaluateInPrerendered(expression: string): Promise<any> {
    return await this.#evaluateIn(this.#find(true), expression)
  }

  /** Goes on in the document that was prerendered: it is the one that is shown from now on. */
  activate(): void {
    const prerendered = this.#find(true)
    if (prerendered !== undefined) prerendered.isPrerendered = false
  }

  async dispose(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    // Its processes end with it; killed, they would go on to write into the folder for a while.
    void this.#send('Browser.close', {})
    await ended
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  #find(isPrerendered: boolean): Document | undefined {
    return this.#documents.findLast((document) => document.isPrerendered === isPrerendered)
  }

  async #evaluateIn(document: Document | undefined, expression: string) {
    if (document === undefined) return undefined
    const how = { expression, returnByValue: true, awaitPromise: true, userGesture: true }
    const answer = await this.#send('Runtime.evaluate', how, document.sessionId)
    return answer?.result?.value
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answers of the DevTools protocol
  #send(method: string, params: object, sessionId?: string): Promise<any> {
    this.#lastId += 1
    const id = this.#lastId
    const input = this.#process.stdio[3] as Writable
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`)
    return new Promise((resolve) => this.#answers.set(id, ({ result }) => resolve(result)))
  }

  #onMessage(message: Message): void {
    const { id, method, params } = message
    if (id !== undefined) {
      this.#answers.get(id)?.(message)
      this.#answers.delete(id)
    } else if (method === 'Target.attachedToTarget' && params.targetInfo.type === 'page') {
      const { sessionId, targetInfo } = params
      this.#documents.push({ sessionId, isPrerendered: targetInfo.subtype === 'prerender' })
    } else if (method === 'Target.detachedFromTarget') {
      const index = this.#documents.findIndex(({ sessionId }) => sessionId === params.sessionId)
      if (index !== -1) this.#documents.splice(index, 1)
    }
  }
}
