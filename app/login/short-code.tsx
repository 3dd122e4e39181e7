import styles from './short-code.module.css'

/** The code to type, in large letters. A screen reader spells it. */
export function ShortCode({ letters }: { letters: string }) {
  return (
    <p className={styles.letters}>
      <span data-testid="short-code" aria-hidden="true">
        {letters}
      </span>
      <span className="visually-hidden">{spell(letters)}</span>
    </p>
  )
}

/** The letters one by one, in two groups. */
export function spell(letters: string): string {
  return letters
    .split('-')
    .map((group) => [...group].join(' '))
    .join(', ')
}
