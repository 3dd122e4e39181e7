import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

type RecipeKind = 'openid' | 'proxy' | 'shell'

export interface RecipeFile {
  name: string
  code: string
}

/** A way to put the sign-in in front of an app. */
export interface Recipe {
  kind: RecipeKind
  files: RecipeFile[]
}

/** The guide shows the same files, and its tests run them. */
const FILES: Readonly<Record<RecipeKind, readonly string[]>> = {
  openid: ['authjs.env', 'authjs.mjs'],
  proxy: ['nginx.conf'],
  shell: ['sign-in.sh'],
}

const FOLDER = join('docs', 'guides', 'apps', 'snippets')

/** Stand for what `npm run add-client` fills in. */
const EXAMPLES = {
  APP_HOST: 'app.example.com',
  CLIENT_ID: 'my-app',
  CLIENT_SECRET: 'the-secret-that-add-client-prints',
  RANDOM: 'replace-this-with-43-random-characters-0123',
}

/**
 * The recipes, with the origin of this server. None where the guide is not installed, as in the
 * image for production. `root`: the folder of the project.
 */
export async function readRecipes(publicOrigin: string, root: string): Promise<Recipe[]> {
  const values: Readonly<Record<string, string>> = {
    ...EXAMPLES,
    ISSUER: `${publicOrigin}/oidc`,
    LOGIN_ORIGIN: publicOrigin,
    LOGIN_HOST: new URL(publicOrigin).host,
  }
  const readOne = async (name: string): Promise<RecipeFile> => {
    const text = await readFile(join(/* turbopackIgnore: true */ root, FOLDER, name), 'utf8')
    return { name, code: text.trimEnd().replace(/\{\{(\w+)\}\}/g, (placeholder, key) => values[key] ?? placeholder) }
  }
  try {
    const entries = Object.entries(FILES) as [RecipeKind, readonly string[]][]
    return await Promise.all(
      entries.map(async ([kind, files]) => ({ kind, files: await Promise.all(files.map(readOne)) })),
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
