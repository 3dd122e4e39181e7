// A real redis-server on a port of its own, with nothing on disk.
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { freePort, until } from './ports.mjs'

export class Redis {
  /** @type {import('node:child_process').ChildProcess | null} */
  #process = null

  /** @param {number} port */
  constructor(port) {
    this.port = port
  }

  get pid() {
    return this.#process?.pid
  }

  static async start() {
    const redis = new Redis(await freePort())
    await redis.start()
    return redis
  }

  /** Starts it, or starts it again, empty. */
  async start() {
    const args = [
      '--port',
      String(this.port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      tmpdir(),
    ]
    // At once, and not after 5 s in which more replicas might come.
    const sync = ['--repl-diskless-sync', 'yes', '--repl-diskless-sync-delay', '0']
    this.#process = spawn('redis-server', [...args, ...sync], { stdio: 'ignore' })
    await until(async () => (await this.ask('PING').catch(() => '')).startsWith('+PONG'))
  }

  /**
   * Resolves when it follows the primary at that port, and has all that was there.
   * @param {number} port
   */
  async follow(port) {
    await this.ask(`REPLICAOF 127.0.0.1 ${port}`)
    await until(async () => (await this.ask('INFO replication')).includes('master_link_status:up'))
  }

  async isPrimary() {
    return (await this.ask('INFO replication')).includes('role:master')
  }

  /**
   * Sends one command in words; the reply as it comes.
   * @param {string} command
   * @returns {Promise<string>}
   */
  ask(command) {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`${command}\r\n`))
      socket.once('data', (reply) => {
        socket.destroy()
        resolve(reply.toString())
      })
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('closed')))
    })
  }

  /** At once, as a lost node does. @returns {Promise<void>} */
  kill() {
    const child = this.#process
    this.#process = null
    if (child === null) return Promise.resolve()
    return new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  }
}
