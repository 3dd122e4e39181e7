'use client'

import { useState } from 'react'
import { Button } from '../ui/button'
import { useText } from '../ui/page-text'
import home from './home.module.css'
import type { Recipe, RecipeFile } from './read-recipes'
import styles from './recipes.module.css'

interface RecipesProps {
  recipes: readonly Recipe[]
  /** Of this server: without settings, add-client has to be told. */
  origin: string
}

/** How to put the sign-in in front of an app: files to copy. Nothing where there are none. */
export function Recipes({ recipes, origin }: RecipesProps) {
  const text = useText('home')
  if (recipes.length === 0) return null
  const [before, after] = text.recipesHint.split('{command}')
  return (
    <section className={home.section} data-testid="recipes">
      <h2>{text.recipesTitle}</h2>
      <p className="quiet">
        {before}
        <code className={styles.command}>{`npm run add-client -- --origin ${origin}`}</code>
        {after}
      </p>
      {recipes.map(({ kind, files }) => (
        <details key={kind} className={styles.recipe} data-recipe={kind}>
          <summary className={styles.title}>{text.recipes[kind]}</summary>
          {files.map((file) => (
            <File key={file.name} file={file} />
          ))}
        </details>
      ))}
    </section>
  )
}

function File({ file: { name, code } }: { file: RecipeFile }) {
  const text = useText('home')
  const [copied, setCopied] = useState<'yes' | 'no' | null>(null)

  async function copy() {
    setCopied((await copyText(code)) ? 'yes' : 'no')
  }

  return (
    <figure className={styles.file}>
      <figcaption className={styles.bar}>
        <code>{name}</code>
        <span role="status" className="quiet">
          {copied === null ? '' : copied === 'yes' ? text.copied : text.copyFailed}
        </span>
        <Button label={text.copy} onClick={() => void copy()} testId="copy" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: so that the keyboard can scroll it */}
      <section className={styles.code} tabIndex={0} aria-label={name}>
        <pre>{code}</pre>
      </section>
    </figure>
  )
}

/** Whether the text is in the clipboard now. Without https, browsers only have the older way. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copySelected(text)
  }
}

function copySelected(text: string): boolean {
  const focused = document.activeElement
  const field = document.createElement('textarea')
  field.value = text
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand('copy')
  field.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return isCopied
}
