/** Named timers. `set` replaces the running timer of the same name. */
export class Timers<Name extends string> {
  readonly #timers = new Map<Name, ReturnType<typeof setTimeout>>()

  set(name: Name, ms: number, run: () => void): void {
    this.clear(name)
    const timer = setTimeout(() => {
      this.#timers.delete(name)
      run()
    }, ms)
    this.#timers.set(name, timer)
  }

  has(name: Name): boolean {
    return this.#timers.has(name)
  }

  clear(name: Name): void {
    clearTimeout(this.#timers.get(name))
    this.#timers.delete(name)
  }

  clearAll(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }
}
