import { describe, expect, test } from 'vitest'
import { CELLS_ACROSS, planMosaic, readModules, squaresAt } from './mosaic'

const CODE = { x: 0, y: 0, size: 410 }
const PICTURE = { x: 150, y: 100, size: 110 }
const modules = Array.from({ length: 500 }, (_, index) => ({ x: 4 + (index % 33), y: 4 + Math.floor(index / 33) }))

const cellsOf = (squares: { cell: number }[]) => new Set(squares.map(({ cell }) => cell))

describe('the modules of a drawn code', () => {
  test('are read from both forms of a run', () => {
    expect(readModules('M14 20h2v1H14zM30,20 h1v1H30z', 41, 4)).toEqual([
      { x: 14, y: 20 },
      { x: 15, y: 20 },
      { x: 30, y: 20 },
    ])
  })

  test('include only the cores of the finder patterns', () => {
    expect(readModules('M4 4h7v1H4zM30 4h7v1H30zM4 36h7v1H4z', 41, 4)).toEqual([])
    expect(readModules('M4 6h1v1H4zM6 6h3v1H6zM10 6h1v1H10z', 41, 4)).toHaveLength(3)
    // The fourth corner has no finder pattern.
    expect(readModules('M30 36h7v1H30z', 41, 4)).toHaveLength(7)
  })

  test('are empty for a path of another form', () => {
    expect(readModules('M4 4 L 5 5', 41, 4)).toEqual([])
  })
})

describe('the mosaic', () => {
  const mosaic = planMosaic(modules, 41, CODE, PICTURE)

  test('starts at the modules and ends with every cell of the picture filled', () => {
    const begin = squaresAt(mosaic, 0)
    expect(begin[0]).toMatchObject({ x: 40, y: 40, size: 10, mix: 0 })
    const end = squaresAt(mosaic, 1)
    expect(cellsOf(end).size).toBe(cellsOf(begin).size)
    for (const { x, y, size, mix } of end) {
      expect(mix).toBe(1)
      expect(size).toBeCloseTo(110 / CELLS_ACROSS)
      expect(x).toBeGreaterThanOrEqual(150)
      expect(x + size).toBeLessThanOrEqual(260.001)
      expect(y).toBeGreaterThanOrEqual(100)
      expect(y + size).toBeLessThanOrEqual(210.001)
    }
  })

  test('leaves the corners of the picture empty', () => {
    const cells = cellsOf(squaresAt(mosaic, 1))
    const corners = [0, CELLS_ACROSS - 1, CELLS_ACROSS * (CELLS_ACROSS - 1), CELLS_ACROSS ** 2 - 1]
    for (const corner of corners) expect(cells).not.toContain(corner)
    expect(cells).toContain(CELLS_ACROSS / 2)
    expect(cells.size).toBeGreaterThan(0.9 * CELLS_ACROSS ** 2)
  })

  test('fills the picture from fewer modules than cells, and is empty without modules', () => {
    const few = planMosaic(modules.slice(0, 50), 41, CODE, PICTURE)
    expect(cellsOf(squaresAt(few, 1))).toEqual(cellsOf(squaresAt(planMosaic(modules, 41, CODE, PICTURE), 1)))
    expect(squaresAt(planMosaic([], 41, CODE, PICTURE), 0.5)).toEqual([])
  })
})
