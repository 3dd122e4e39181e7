import styles from './loading-modules.module.css'

/** 5×5 animated modules. */
export function LoadingModules() {
  const cells = Array.from({ length: 25 }, (_, index) => ({ column: index % 5, row: Math.floor(index / 5) }))
  return (
    <svg className={styles.loading} viewBox="0 0 50 50" aria-hidden="true">
      {cells.map(({ column, row }) => (
        <rect
          key={`${column} ${row}`}
          data-wave={column + row}
          x={column * 10 + 1.5}
          y={row * 10 + 1.5}
          width="7"
          height="7"
          rx="2"
        />
      ))}
    </svg>
  )
}
