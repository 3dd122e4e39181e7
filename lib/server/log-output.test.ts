import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import { BACKLOG_CHARS, FileOutput, openStdout, StreamOutput } from './log-output'

const LINE = `${'x'.repeat(999)}\n`

let reader: ChildProcess | null = null
afterEach(() => {
  reader?.kill('SIGKILL')
  reader = null
})

/** A suspended process that reads its input after `SIGCONT`. */
function stoppedReader(): { child: ChildProcess; stdin: Writable; text: () => string } {
  const child = spawn('cat')
  reader = child
  child.kill('SIGSTOP')
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return { child, stdin: child.stdin, text: () => text }
}

test('a stalled reader delays no line, and the buffer is bounded', () => {
  const { stdin } = stoppedReader()
  const output = new StreamOutput(stdin, () => {})
  const startedAt = performance.now()
  for (let times = 0; times < 5_000; times += 1) output.write(LINE)
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  expect(stdin.writableLength).toBeLessThanOrEqual(BACKLOG_CHARS)
  expect(output.droppedLines).toBeGreaterThan(3_000)
})

test('when it reads again, one line has the number of dropped lines, and later lines arrive', async () => {
  const { child, stdin, text } = stoppedReader()
  const output = new StreamOutput(stdin, (dropped) => output.write(`dropped ${dropped}\n`))
  for (let times = 0; times < 3_000; times += 1) output.write(LINE)
  const { droppedLines } = output
  child.kill('SIGCONT')
  await expect.poll(text, { timeout: 10_000 }).toContain('dropped')
  output.write('after\n')
  await expect.poll(text, { timeout: 10_000 }).toContain('after')
  const lines = text().trimEnd().split('\n')
  expect(lines.filter((line) => line.length === 999)).toHaveLength(3_000 - droppedLines)
  expect(lines.slice(-2)).toEqual([`dropped ${droppedLines}`, 'after'])
  expect(output.droppedLines).toBe(droppedLines)
})

test('flush waits for a reader, and only up to its timeout for a stalled one', async () => {
  const { child, stdin, text } = stoppedReader()
  const output = new StreamOutput(stdin, () => {})
  for (let times = 0; times < 500; times += 1) output.write(LINE)
  const startedAt = performance.now()
  await output.flush(100)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(99)
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  child.kill('SIGCONT')
  await output.flush(10_000)
  expect(stdin.writableLength).toBe(0)
  await expect.poll(() => text().length, { timeout: 10_000 }).toBe(500 * LINE.length)
  await output.flush(60_000)
})

test('a reader that has exited ends the log, and throws no error', async () => {
  const { child, stdin } = stoppedReader()
  const output = new StreamOutput(stdin, () => {})
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('close', resolve))
  // The system may accept a line before it reports the closed pipe.
  const writeLine = () => {
    output.write(LINE)
    return output.droppedLines
  }
  await expect.poll(writeLine).toBeGreaterThan(0)
  await output.flush(60_000)
})

test('a file has each line before `write` returns; a full disk drops lines without an error', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qr-login-log-'))
  const path = join(folder, 'log')
  const file = openSync(path, 'w')
  new FileOutput(file, () => {}).write('a line\n')
  expect(readFileSync(path, 'utf8')).toBe('a line\n')
  closeSync(file)
  rmSync(folder, { recursive: true })
  const full = openSync('/dev/full', 'w')
  const output = new FileOutput(full, () => {})
  output.write('a line\n')
  closeSync(full)
  expect(output.droppedLines).toBe(1)
})

test('all logs of a process share one output, and add no further listeners', () => {
  const first = openStdout(() => {})
  const listeners = process.stdout.listenerCount('drain')
  expect(openStdout(() => {})).toBe(first)
  expect(process.stdout.listenerCount('drain')).toBe(listeners)
})
