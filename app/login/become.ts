import { type Box, CELLS_ACROSS, type Module, planMosaic, squaresAt } from '@/lib/client/mosaic'

/** Modules of the last visible code, `across` modules wide including its quiet zone. */
export interface DrawnCode {
  modules: Module[]
  across: number
  /** The code's part of the tile's side. */
  share: number
}

const DURATION_MS = 520
/** Parts of the duration after which the white paper, and then the squares, fade out. */
const PAPER_FADES = 0.45
const SQUARES_FADE = 0.8

/**
 * Animates the code into the person: its modules regroup into a mosaic of the avatar, which gets
 * sharp. Draws on `canvas`, over the tile; delays nothing. Does nothing under reduced motion.
 * Returns the function that stops it.
 */
export function becomePerson(canvas: HTMLCanvasElement, avatar: Element, drawn: DrawnCode): () => void {
  const { modules, across, share } = drawn
  const context = canvas.getContext('2d')
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
  if (isStill || context === null || modules.length === 0) return () => {}

  canvas.hidden = false
  const tile = canvas.getBoundingClientRect()
  const scale = Math.min(devicePixelRatio, 2)
  canvas.width = tile.width * scale
  canvas.height = tile.height * scale
  context.scale(scale, scale)
  const style = getComputedStyle(canvas)
  const paper = style.getPropertyValue('--qr-paper')
  const ink = style.getPropertyValue('--qr-ink')
  const size = tile.width * share
  const code = { x: (tile.width - size) / 2, y: (tile.height - size) / 2, size }
  const mosaic = planMosaic(modules, across, code, boxOf(avatar, tile))
  let colours: string[] | null = null
  void sampleColours(avatar).then((sampled) => {
    colours = sampled
  })

  let frame = 0
  const startedAt = performance.now()
  const draw = () => {
    const time = (performance.now() - startedAt) / DURATION_MS
    if (time >= 1) return stop()
    context.clearRect(0, 0, tile.width, tile.height)
    context.globalAlpha = 1 - Math.max(0, (time - PAPER_FADES) / (1 - PAPER_FADES))
    context.fillStyle = paper
    context.fillRect(0, 0, tile.width, tile.height)
    const alpha = 1 - Math.max(0, (time - SQUARES_FADE) / (1 - SQUARES_FADE))
    for (const { x, y, size, mix, cell } of squaresAt(mosaic, time)) {
      const colour = colours?.[cell]
      context.globalAlpha = colour === undefined ? alpha : alpha * (1 - mix)
      context.fillStyle = ink
      if (context.globalAlpha > 0) context.fillRect(x, y, size, size)
      if (colour === undefined || mix === 0) continue
      context.globalAlpha = alpha * mix
      context.fillStyle = colour
      context.fillRect(x, y, size + 0.5, size + 0.5)
    }
    frame = requestAnimationFrame(draw)
  }
  const stop = () => {
    cancelAnimationFrame(frame)
    canvas.hidden = true
  }
  draw()
  return stop
}

function boxOf(element: Element, within: DOMRect): Box {
  const { left, top, width } = element.getBoundingClientRect()
  return { x: left - within.left, y: top - within.top, size: width }
}

/** One colour per cell of the mosaic; null if the picture is missing or has not loaded. */
async function sampleColours(avatar: Element): Promise<string[] | null> {
  if (!(avatar instanceof HTMLImageElement)) return null
  try {
    await avatar.decode()
    const canvas = document.createElement('canvas')
    canvas.width = CELLS_ACROSS
    canvas.height = CELLS_ACROSS
    const context = canvas.getContext('2d', { willReadFrequently: true })
    context?.drawImage(avatar, 0, 0, CELLS_ACROSS, CELLS_ACROSS)
    const pixels = context?.getImageData(0, 0, CELLS_ACROSS, CELLS_ACROSS).data
    if (pixels === undefined) return null
    return Array.from({ length: CELLS_ACROSS ** 2 }, (_, index) => {
      const [red, green, blue] = pixels.slice(index * 4, index * 4 + 3)
      return `rgb(${red} ${green} ${blue})`
    })
  } catch {
    return null
  }
}
