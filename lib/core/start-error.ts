/** One line of the table: a setting, file or folder, and what is wrong with it. */
export interface StartProblem {
  name: string
  problem: string
}

/** The process cannot start. `message` is a table for people, and what to do about it. */
export class StartError extends Error {
  readonly rows: readonly StartProblem[]

  /** `headline`: what the rows have in common. `advice`: what to do, a sentence per line. */
  constructor(headline: string, rows: readonly StartProblem[], advice: readonly string[] = []) {
    const width = Math.max(...rows.map(({ name }) => name.length))
    const lines = rows.map(({ name, problem }) => `  ${name.padEnd(width)}  ${problem}`)
    super([`qr-login cannot start. ${headline}`, ...lines, ...advice].join('\n'))
    this.name = 'StartError'
    this.rows = rows
  }
}

/** The settings are wrong. */
export class ConfigError extends StartError {
  constructor(rows: readonly StartProblem[]) {
    super('These settings are wrong or missing:', rows)
    this.name = 'ConfigError'
  }
}

/** By the code of a file system error: what is wrong, and what to do. */
const FILE_PROBLEMS: Record<string, [problem: string, advice: string]> = {
  EACCES: ['this user may not write there', 'Give the folder to the user that runs qr-login (chown, chmod 700).'],
  EPERM: ['this user may not write there', 'Give the folder to the user that runs qr-login (chown, chmod 700).'],
  EROFS: ['the file system is mounted read-only', 'Mount it writable, or name another folder in DATA_DIR.'],
  ENOSPC: ['there is no space left on the disk', 'Free some space: nothing was changed.'],
  EDQUOT: ['the quota of the disk is used up', 'Free some space: nothing was changed.'],
  EEXIST: ['is a file, not a folder', 'Name a folder in DATA_DIR.'],
  ENOTDIR: ['is a file, or lies below one', 'Name a folder in DATA_DIR.'],
  EISDIR: ['is a folder where a file has to be', 'Move it away, or name another folder in DATA_DIR.'],
  ENOENT: ['cannot be made there', 'Make the folder yourself, on a file system that can be written.'],
  EIO: ['the disk reports an error', 'Check the disk.'],
}

/**
 * For what the file system answered when `path`, which is `folder` or in it, was to be made, read
 * or written.
 */
export function folderError(folder: string, path: string, error: unknown): StartError {
  const { code = '', message } = error as NodeJS.ErrnoException
  const [problem, advice] = FILE_PROBLEMS[code] ?? [message, 'See the error for what to do.']
  const isFolder = ['EEXIST', 'ENOTDIR', 'EROFS'].includes(code)
  return new StartError('The data folder cannot be used:', [{ name: isFolder ? folder : path, problem }], [advice])
}
