/** A dark module of a drawn code: its column and row from the top left corner of the quiet zone. */
export interface Module {
  x: number
  y: number
}

/**
 * Position and size of a square, in the units of the boxes of `planMosaic`. `mix`: progress from
 * the module (0, colour of the code) to the cell (1, colour of the picture).
 */
export interface Square {
  x: number
  y: number
  size: number
  mix: number
  /** Index of the target cell of the picture: row × `CELLS_ACROSS` + column. */
  cell: number
}

/** The animation of a code into a picture: which module moves to which cell, and when. */
export interface Mosaic {
  moduleSize: number
  cellSize: number
  /** `delay`: when the move begins, 0 to `MAX_DELAY` of the duration. */
  moves: { cell: number; fromX: number; fromY: number; toX: number; toY: number; delay: number }[]
}

export interface Box {
  x: number
  y: number
  size: number
}

/** Cells in a row of the picture. */
export const CELLS_ACROSS = 22
/** Side of a finder pattern, in modules. */
const FINDER = 7
/** The last square starts to move at this fraction of the duration. */
const MAX_DELAY = 0.25
/** Corner radius of the avatar, as a fraction of its side. */
const RADIUS = 0.27

/**
 * The dark modules in the SVG path of a code (`M4 4h7v1H4z` is a run of 7 modules), without the
 * rings of the finder patterns: no camera can read what is left.
 */
export function readModules(path: string, across: number, quietZone: number): Module[] {
  const runs = [...path.matchAll(/M(\d+)[ ,](\d+) ?h(\d+)v1/g)]
  const modules = runs.flatMap(([, x, y, length]) =>
    Array.from({ length: Number(length) }, (_, index) => ({ x: Number(x) + index, y: Number(y) })),
  )
  const last = across - quietZone - FINDER
  const corners = [
    [quietZone, quietZone],
    [last, quietZone],
    [quietZone, last],
  ] as const
  const isRingOfFinder = ({ x, y }: Module) =>
    corners.some(([left, top]) => {
      const isIn = x >= left && x < left + FINDER && y >= top && y < top + FINDER
      const isCore = x >= left + 2 && x < left + 5 && y >= top + 2 && y < top + 5
      return isIn && !isCore
    })
  return modules.filter((module) => !isRingOfFinder(module))
}

/**
 * Assigns each module of the code in the box `code` to a cell of the picture in the box `picture`.
 * `across`: width of the code in modules, quiet zone included.
 */
export function planMosaic(modules: Module[], across: number, code: Box, picture: Box): Mosaic {
  const moduleSize = code.size / across
  const cellSize = picture.size / CELLS_ACROSS
  const cells = Array.from({ length: CELLS_ACROSS ** 2 }, (_, cell) => cell).filter(isInPicture)
  const count = modules.length === 0 ? 0 : Math.max(modules.length, cells.length)
  const moves = Array.from({ length: count }, (_, index) => {
    // Both in reading order, so that neighbours stay neighbours and each cell gets a module.
    const module = modules[Math.floor((index * modules.length) / count)] as Module
    const cell = cells[Math.floor((index * cells.length) / count)] as number
    const distance = Math.hypot(module.x / across - 0.5, module.y / across - 0.5) / Math.SQRT1_2
    return {
      cell,
      fromX: code.x + module.x * moduleSize,
      fromY: code.y + module.y * moduleSize,
      toX: picture.x + columnOf(cell) * cellSize,
      toY: picture.y + rowOf(cell) * cellSize,
      delay: distance * MAX_DELAY,
    }
  })
  return { moduleSize, cellSize, moves }
}

/** The squares at `time`: 0 is the code, 1 the picture. */
export function squaresAt({ moduleSize, cellSize, moves }: Mosaic, time: number): Square[] {
  return moves.map(({ cell, fromX, fromY, toX, toY, delay }) => {
    const mix = ease(Math.min(1, Math.max(0, (time - delay) / (1 - MAX_DELAY))))
    return {
      x: fromX + (toX - fromX) * mix,
      y: fromY + (toY - fromY) * mix,
      size: moduleSize + (cellSize - moduleSize) * mix,
      mix,
      cell,
    }
  })
}

function ease(time: number): number {
  return time < 0.5 ? 4 * time ** 3 : 1 - (2 - 2 * time) ** 3 / 2
}

function columnOf(cell: number): number {
  return cell % CELLS_ACROSS
}

function rowOf(cell: number): number {
  return Math.floor(cell / CELLS_ACROSS)
}

/** Whether the centre of a cell is inside the rounded corners. */
function isInPicture(cell: number): boolean {
  const x = (columnOf(cell) + 0.5) / CELLS_ACROSS
  const y = (rowOf(cell) + 0.5) / CELLS_ACROSS
  const dx = Math.max(RADIUS - x, x - (1 - RADIUS), 0)
  const dy = Math.max(RADIUS - y, y - (1 - RADIUS), 0)
  return Math.hypot(dx, dy) <= RADIUS
}
