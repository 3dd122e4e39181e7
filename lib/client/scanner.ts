import { findCode } from './code-link'
import { Observable } from './observable'

/** What the scan page shows. */
export interface ScanScreen {
  /** `data-state` of the scanner. */
  state:
    | 'primer'
    | 'starting'
    | 'scanning'
    | 'paused'
    | 'blocked'
    | 'no_camera'
    | 'busy'
    | 'needs_https'
    | 'failed'
    | 'found'
  /** Nothing was found for a while. */
  isSlow: boolean
  /** Null where the camera has none. */
  isLightOn: boolean | null
  /** A code that is not ours: its text, to be shown and never opened. */
  foreign: string | null
  /** A picture was chosen and no code is in it. */
  isPhotoEmpty: boolean
}

export interface ScannerOptions {
  /** Codes of these origins are ours. */
  ownOrigins: readonly string[]
  /** Whether the camera may start before a tap, where it was granted before. */
  mayStartUnprompted: boolean
  /** Called once, with our code. The camera is off by then. */
  onCode: (code: string) => void
}

type ReadCodes = typeof import('./code-reader').readCodes

const SLOW_AFTER_MS = 15_000
/** Between two looks: a phone has to stay cool. */
const LOOK_EVERY_MS = 100

/** Before anything has happened. */
export const BLANK_SCAN: ScanScreen = {
  state: 'primer',
  isSlow: false,
  isLightOn: null,
  foreign: null,
  isPhotoEmpty: false,
}

const REFUSED: Record<string, ScanScreen['state']> = {
  NotAllowedError: 'blocked',
  SecurityError: 'blocked',
  NotFoundError: 'no_camera',
  OverconstrainedError: 'no_camera',
  NotReadableError: 'busy',
  AbortError: 'busy',
}

/**
 * The phone's camera, looking for one of our codes. Runs only while the page is seen: hidden or
 * left, its tracks are stopped. The decoder is loaded with the first look.
 */
export class Scanner {
  readonly screen = new Observable<ScanScreen>(BLANK_SCAN)
  readonly #options: ScannerOptions
  readonly #video: HTMLVideoElement
  #stream: MediaStream | null = null
  /** Which start counts: a camera may be granted after the page was hidden. */
  #round = 0
  #slow: ReturnType<typeof setTimeout> | undefined

  constructor(video: HTMLVideoElement, options: ScannerOptions) {
    this.#video = video
    this.#options = options
  }

  /**
   * Watches the page; starts at once where that is allowed and the camera was granted before.
   * Returns what undoes it.
   */
  open(): () => void {
    const pause = () => {
      const { state } = this.screen.get()
      this.#off()
      if (state === 'starting' || state === 'scanning' || state === 'found')
        this.#show({ ...BLANK_SCAN, state: 'paused' })
    }
    const goOn = () => {
      if (this.screen.get().state === 'paused') void this.start()
    }
    const onVisibility = () => (document.visibilityState === 'hidden' ? pause() : goOn())
    const handlers: [EventTarget, string, () => void][] = [
      [document, 'visibilitychange', onVisibility],
      // Also into the back/forward cache, and out of it.
      [window, 'pagehide', pause],
      [window, 'pageshow', goOn],
    ]
    for (const [target, name, handle] of handlers) target.addEventListener(name, handle)
    const refusal = findRefusal()
    if (refusal !== null) this.#show({ state: refusal })
    else if (this.#options.mayStartUnprompted) void this.#startIfGranted()
    return () => {
      for (const [target, name, handle] of handlers) target.removeEventListener(name, handle)
      this.#off()
    }
  }

  /**
   * Because a person asked for it: takes the camera and looks through it until one of our codes is
   * seen.
   */
  async start(): Promise<void> {
    this.#off()
    const round = this.#round
    this.#show({ ...BLANK_SCAN, state: 'starting' })
    try {
      const [{ readCodes }, stream] = await Promise.all([import('./code-reader'), openCamera()])
      if (round !== this.#round) return stopTracks(stream)
      this.#stream = stream
      this.#video.srcObject = stream
      await this.#video.play()
      if (round !== this.#round) return
      this.#show({ state: 'scanning', isLightOn: hasLight(stream) ? false : null })
      this.#slow = setTimeout(() => this.#show({ isSlow: true }), SLOW_AFTER_MS)
      await this.#look(readCodes, round)
    } catch (error) {
      if (round !== this.#round) return
      this.#off()
      this.#show({ state: REFUSED[(error as Error).name] ?? 'failed' })
    }
  }

  async switchLight(): Promise<void> {
    const [track] = this.#stream?.getVideoTracks() ?? []
    const isLightOn = !this.screen.get().isLightOn
    try {
      await track?.applyConstraints({ advanced: [{ torch: isLightOn } as MediaTrackConstraintSet] })
      this.#show({ isLightOn })
    } catch {
      this.#show({ isLightOn: null })
    }
  }

  /** A picture in place of the camera. */
  async readPhoto(photo: Blob): Promise<void> {
    this.#show({ foreign: null, isPhotoEmpty: false })
    try {
      const { readCodes } = await import('./code-reader')
      const texts = await readCodes(await createImageBitmap(photo))
      if (texts.length === 0) this.#show({ isPhotoEmpty: true })
      else this.#onTexts(texts)
    } catch {
      this.#show({ isPhotoEmpty: true })
    }
  }

  /** A text in place of a code. */
  readText(text: string): void {
    this.#show({ isPhotoEmpty: false })
    this.#onTexts([text])
  }

  async #startIfGranted(): Promise<void> {
    const isGranted = await isCameraGranted()
    if (isGranted && this.screen.get().state === 'primer') await this.start()
  }

  async #look(readCodes: ReadCodes, round: number): Promise<void> {
    while (round === this.#round) {
      const texts = await readCodes(this.#video)
      if (round !== this.#round) return
      if (texts.length > 0) this.#onTexts(texts)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  #onTexts(texts: string[]): void {
    const code = texts.map((text) => findCode(text, this.#options.ownOrigins)).find((found) => found !== null)
    if (code !== undefined) {
      this.#off()
      this.#show({ ...BLANK_SCAN, state: 'found' })
      this.#options.onCode(code)
    } else if (texts[0] !== this.screen.get().foreign) this.#show({ foreign: texts[0] ?? null, isSlow: false })
  }

  #off(): void {
    this.#round += 1
    clearTimeout(this.#slow)
    if (this.#stream !== null) stopTracks(this.#stream)
    this.#stream = null
    this.#video.srcObject = null
  }

  #show(change: Partial<ScanScreen>): void {
    this.screen.set({ ...this.screen.get(), ...change })
  }
}

/** What rules a camera out before permission is requested; null when nothing does. */
function findRefusal(): 'needs_https' | 'no_camera' | null {
  if (!window.isSecureContext) return 'needs_https'
  return navigator.mediaDevices === undefined ? 'no_camera' : null
}

async function isCameraGranted(): Promise<boolean> {
  try {
    const { state } = await navigator.permissions.query({ name: 'camera' })
    return state === 'granted'
  } catch {
    // Not every browser tells.
    return false
  }
}

function openCamera(): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } },
  })
}

function hasLight(stream: MediaStream): boolean {
  const [track] = stream.getVideoTracks()
  // Not in every browser.
  return Boolean((track?.getCapabilities?.() as { torch?: boolean } | undefined)?.torch)
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}
