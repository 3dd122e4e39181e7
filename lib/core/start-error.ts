/** One row of the table: a setting, file or folder, and its problem. */
export interface StartProblem {
  name: string
  problem: string
}

/** The process cannot start. `message` is a table for the operator, with advice below it. */
export class StartError extends Error {
  readonly rows: readonly StartProblem[]

  /** `headline`: describes all rows. `advice`: what to do, one sentence per line. */
  constructor(headline: string, rows: readonly StartProblem[], advice: readonly string[] = []) {
    const width = Math.max(...rows.map(({ name }) => name.length))
    const lines = rows.map(({ name, problem }) => `  ${name.padEnd(width)}  ${problem}`)
    super([`qr-login cannot start. ${headline}`, ...lines, ...advice].join('\n'))
    this.name = 'StartError'
    this.rows = rows
  }
}

/** Settings are missing or wrong. */
export class ConfigError extends StartError {
  constructor(rows: readonly StartProblem[]) {
    super('These settings are wrong or missing:', rows)
    this.name = 'ConfigError'
  }
}

/** Problem and advice for each code of a file system error. */
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
 * Converts a file system error of creating, reading or writing `path`, which is `folder` or inside
 * it.
 */
export function folderError(folder: string, path: string, error: unknown): StartError {
  const { code = '', message } = error as NodeJS.ErrnoException
  const [problem, advice] = FILE_PROBLEMS[code] ?? [message, 'See the error for what to do.']
  const isFolder = ['EEXIST', 'ENOTDIR', 'EROFS'].includes(code)
  return new StartError('The data folder cannot be used:', [{ name: isFolder ? folder : path, problem }], [advice])
}
