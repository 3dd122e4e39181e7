/** One dark square of a drawn code, in modules from its corner, quiet zone included. */
export interface Module {
  x: number
  y: number
}

/**
 * Where a square is and how large, in the units of its plan; the colour that it has by then in
 * `mix`, 0 (ink) to 1.
 */
export interface Square {
  x: number
  y: number
  size: number
  mix: number
  /** The picture's cell that this square becomes, counted in rows of `CELLS_ACROSS`. */
  cell: number
}

/** A code that turns into a picture: which module goes to which cell, and when. */
export interface Mosaic {
  moduleSize: number
  cellSize: number
  /** `late`: when it leaves, 0 to `SPREAD`. */
  flights: { cell: number; fromX: number; fromY: number; toX: number; toY: number; late: number }[]
}

export interface Box {
  x: number
  y: number
  size: number
}

/** The picture has this many cells in a row. */
export const CELLS_ACROSS = 22
const FINDER = 7
/** The last square leaves when this share of the time is over. */
const SPREAD = 0.25
/** Of the side: the corners of an avatar are round. */
const RADIUS = 0.27

/**
 * The dark modules in the path of a code's drawing (`M4 4h7v1H4z`, a run of modules in each).
 * Without the finder squares but for their cores: what is left is no code to any camera.
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
 * Plans how the modules of a code that fills `code` (`across` modules wide) regroup into the
 * picture at `picture`.
 */
export function planMosaic(modules: Module[], across: number, code: Box, picture: Box): Mosaic {
  const moduleSize = code.size / across
  const cellSize = picture.size / CELLS_ACROSS
  const cells = Array.from({ length: CELLS_ACROSS ** 2 }, (_, cell) => cell).filter(isInPicture)
  const count = modules.length === 0 ? 0 : Math.max(modules.length, cells.length)
  const flights = Array.from({ length: count }, (_, index) => {
    // Both in reading order: neighbours stay neighbours, and every cell gets a module.
    const module = modules[Math.floor((index * modules.length) / count)] as Module
    const cell = cells[Math.floor((index * cells.length) / count)] as number
    const distance = Math.hypot(module.x / across - 0.5, module.y / across - 0.5) / Math.SQRT1_2
    return {
      cell,
      fromX: code.x + module.x * moduleSize,
      fromY: code.y + module.y * moduleSize,
      toX: picture.x + columnOf(cell) * cellSize,
      toY: picture.y + rowOf(cell) * cellSize,
      late: distance * SPREAD,
    }
  })
  return { moduleSize, cellSize, flights }
}

/** Where everything is at `time`, 0 to 1. */
export function squaresAt({ moduleSize, cellSize, flights }: Mosaic, time: number): Square[] {
  return flights.map(({ cell, fromX, fromY, toX, toY, late }) => {
    const mix = ease(Math.min(1, Math.max(0, (time - late) / (1 - SPREAD))))
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

/** Whether the middle of a cell is within the round corners. */
function isInPicture(cell: number): boolean {
  const x = (columnOf(cell) + 0.5) / CELLS_ACROSS
  const y = (rowOf(cell) + 0.5) / CELLS_ACROSS
  const dx = Math.max(RADIUS - x, x - (1 - RADIUS), 0)
  const dy = Math.max(RADIUS - y, y - (1 - RADIUS), 0)
  return Math.hypot(dx, dy) <= RADIUS
}
