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
  // biome-ignore lint/suspicious/noExplicitAny: messages of the DevTools protocol
  params?: any
  // biome-ignore lint/suspicious/noExplicitAny: messages of the DevTools protocol
  result?: any
}

interface Document {
  sessionId: string
  isPrerendered: boolean
}

/**
 * A Chromium with prerendering. Playwright disables it, because a DevTools client that attaches to
 * pages instead of tabs cannot follow the activation of a prerendered page.
 */
export class BareChromium {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly #pending = new Map<number, (message: Message) => void>()
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

  /** Navigates, and waits until `expression` is truthy in the shown document. */
  async goto(url: string, expression: string): Promise<void> {
    await this.#send('Page.navigate', { url }, this.#find(false)?.sessionId)
    await until(() => this.evaluate(expression))
  }

  /** Evaluates in the shown document and awaits promises. Undefined if there is no document now. */
  // biome-ignore lint/suspicious/noExplicitAny: the test asserts the value
  async evaluate(expression: string): Promise<any> {
    return await this.#evaluateIn(this.#find(false), expression)
  }

  /** Evaluates in the prerendered document. */
  // biome-ignore lint/suspicious/noExplicitAny: the test asserts the value
  async evaluateInPrerendered(expression: string): Promise<any> {
    return await this.#evaluateIn(this.#find(true), expression)
  }

  /** From here on the prerendered document is the shown one. */
  activate(): void {
    const prerendered = this.#find(true)
    if (prerendered !== undefined) prerendered.isPrerendered = false
  }

  async dispose(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    // Not killed: its child processes would write into the folder for a while.
    void this.#send('Browser.close', {})
    await ended
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  #find(isPrerendered: boolean): Document | undefined {
    return this.#documents.findLast((document) => document.isPrerendered === isPrerendered)
  }

  async #evaluateIn(document: Document | undefined, expression: string) {
    if (document === undefined) return undefined
    const params = { expression, returnByValue: true, awaitPromise: true, userGesture: true }
    const response = await this.#send('Runtime.evaluate', params, document.sessionId)
    return response?.result?.value
  }

  // biome-ignore lint/suspicious/noExplicitAny: results of the DevTools protocol
  #send(method: string, params: object, sessionId?: string): Promise<any> {
    this.#lastId += 1
    const id = this.#lastId
    const input = this.#process.stdio[3] as Writable
    input.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`)
    return new Promise((resolve) => this.#pending.set(id, ({ result }) => resolve(result)))
  }

  #onMessage(message: Message): void {
    const { id, method, params } = message
    if (id !== undefined) {
      this.#pending.get(id)?.(message)
      this.#pending.delete(id)
    } else if (method === 'Target.attachedToTarget' && params.targetInfo.type === 'page') {
      const { sessionId, targetInfo } = params
      this.#documents.push({ sessionId, isPrerendered: targetInfo.subtype === 'prerender' })
    } else if (method === 'Target.detachedFromTarget') {
      const index = this.#documents.findIndex(({ sessionId }) => sessionId === params.sessionId)
      if (index !== -1) this.#documents.splice(index, 1)
    }
  }
}
