import { findCode } from './code-link'
import { Observable } from './observable'

/** State of the scan page. */
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
  /** No code was found within `SLOW_AFTER_MS`. */
  isSlow: boolean
  /** Null if the camera has no light that the browser can control. */
  isLightOn: boolean | null
  /** The text of a code that is not ours. It is displayed, never opened. */
  foreign: string | null
  /** The chosen picture has no code. */
  isPhotoEmpty: boolean
}

export interface ScannerOptions {
  /** Links to these origins are ours. */
  ownOrigins: readonly string[]
  /** Whether the camera may start before a tap, if its permission was granted before. */
  mayStartUnprompted: boolean
  /** Called with a code of ours, after the camera was stopped. */
  onCode: (code: string) => void
}

type ReadCodes = typeof import('./code-reader').readCodes

const SLOW_AFTER_MS = 15_000
/** Pause between two frames, to limit the CPU load. */
const FRAME_PAUSE_MS = 100

/** The initial state. */
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
 * Reads our codes with the phone's camera. Stops the camera while the page is hidden or left. Loads
 * the decoder on first use.
 */
export class Scanner {
  readonly screen = new Observable<ScanScreen>(BLANK_SCAN)
  readonly #options: ScannerOptions
  readonly #video: HTMLVideoElement
  #stream: MediaStream | null = null
  /** Incremented with each start and stop: the camera may be granted after the page was hidden. */
  #round = 0
  #slowTimer: ReturnType<typeof setTimeout> | undefined

  constructor(video: HTMLVideoElement, options: ScannerOptions) {
    this.#video = video
    this.#options = options
  }

  /**
   * Listens to page events, and starts the camera if that is allowed and its permission was granted
   * before. Returns the function that stops both.
   */
  open(): () => void {
    const pause = () => {
      const { state } = this.screen.get()
      this.#stop()
      if (state === 'starting' || state === 'scanning' || state === 'found')
        this.#show({ ...BLANK_SCAN, state: 'paused' })
    }
    const resume = () => {
      if (this.screen.get().state === 'paused') void this.start()
    }
    const onVisibility = () => (document.visibilityState === 'hidden' ? pause() : resume())
    const handlers: [EventTarget, string, () => void][] = [
      [document, 'visibilitychange', onVisibility],
      // Includes the back/forward cache.
      [window, 'pagehide', pause],
      [window, 'pageshow', resume],
    ]
    for (const [target, name, handle] of handlers) target.addEventListener(name, handle)
    const obstacle = findObstacle()
    if (obstacle !== null) this.#show({ state: obstacle })
    else if (this.#options.mayStartUnprompted) void this.#startIfGranted()
    return () => {
      for (const [target, name, handle] of handlers) target.removeEventListener(name, handle)
      this.#stop()
    }
  }

  /** Requests the camera and reads its frames until one of them has a code of ours. */
  async start(): Promise<void> {
    this.#stop()
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
      this.#slowTimer = setTimeout(() => this.#show({ isSlow: true }), SLOW_AFTER_MS)
      await this.#readFrames(readCodes, round)
    } catch (error) {
      if (round !== this.#round) return
      this.#stop()
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

  /** Reads a picture instead of the camera. */
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

  /** Takes a typed or pasted text instead of a code. */
  readText(text: string): void {
    this.#show({ isPhotoEmpty: false })
    this.#onTexts([text])
  }

  async #startIfGranted(): Promise<void> {
    const isGranted = await isCameraGranted()
    if (isGranted && this.screen.get().state === 'primer') await this.start()
  }

  async #readFrames(readCodes: ReadCodes, round: number): Promise<void> {
    while (round === this.#round) {
      const texts = await readCodes(this.#video)
      if (round !== this.#round) return
      if (texts.length > 0) this.#onTexts(texts)
      await new Promise((resolve) => setTimeout(resolve, FRAME_PAUSE_MS))
    }
  }

  #onTexts(texts: string[]): void {
    const code = texts.map((text) => findCode(text, this.#options.ownOrigins)).find((found) => found !== null)
    if (code !== undefined) {
      this.#stop()
      this.#show({ ...BLANK_SCAN, state: 'found' })
      this.#options.onCode(code)
    } else if (texts[0] !== this.screen.get().foreign) this.#show({ foreign: texts[0] ?? null, isSlow: false })
  }

  #stop(): void {
    this.#round += 1
    clearTimeout(this.#slowTimer)
    if (this.#stream !== null) stopTracks(this.#stream)
    this.#stream = null
    this.#video.srcObject = null
  }

  #show(change: Partial<ScanScreen>): void {
    this.screen.set({ ...this.screen.get(), ...change })
  }
}

/** Why no camera can be requested; null if one can. */
function findObstacle(): 'needs_https' | 'no_camera' | null {
  if (!window.isSecureContext) return 'needs_https'
  return navigator.mediaDevices === undefined ? 'no_camera' : null
}

async function isCameraGranted(): Promise<boolean> {
  try {
    const { state } = await navigator.permissions.query({ name: 'camera' })
    return state === 'granted'
  } catch {
    // Not every browser can query this permission.
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
  // Not every browser has `getCapabilities`.
  return Boolean((track?.getCapabilities?.() as { torch?: boolean } | undefined)?.torch)
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}
