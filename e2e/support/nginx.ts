import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whether an nginx is installed. */
export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).status === 0
}

export interface NginxOptions {
  /** The https port. */
  port: number
  instances: number[]
  /** Directives that are added to the location. */
  more?: string
  /** Directives of the sample that are removed. */
  without?: string[]
}

/** A real nginx with deploy/nginx.conf, on its own port and with a self-signed certificate. */
export class Nginx {
  readonly #folder = mkdtempSync(join(tmpdir(), 'qr-login-nginx-'))
  #process: ChildProcess | null = null
  output = ''

  static start({ port, instances, more = '', without = [] }: NginxOptions): Nginx {
    const nginx = new Nginx()
    const folder = nginx.#folder
    const certificate = join(folder, 'certificate.pem')
    const key = join(folder, 'key.pem')
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes']
    spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-keyout', key, '-out', certificate, ...subject])
    const servers = instances.map((each) => `server 127.0.0.1:${each} max_fails=1 fail_timeout=5s;`).join('\n    ')
    const sample = readFileSync('deploy/nginx.conf', 'utf8')
      .replace(/(server 127\.0\.0\.1:\d+ [^\n]+\n\s*)+/, `${servers}\n    `)
      .replace(/^ *listen 443/m, `    listen 127.0.0.1:${port}`)
      .replace(/server \{\s*listen 80;[\s\S]*?\n\}/, '')
      .replaceAll('server_name login.example.com', 'server_name localhost')
      .replace('/etc/ssl/login.example.com.pem', certificate)
      .replace('/etc/ssl/login.example.com.key', key)
      .replace('location / {', `location / {\n        ${more}`)
      .split('\n')
      .filter((line) => !without.some((directive) => line.trim().startsWith(directive)))
      .join('\n')
    mkdirSync(join(folder, 'temp'))
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${join(folder, 'temp', name)};`)
      .join(' ')
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; pid ${join(folder, 'pid')}; error_log stderr warn; worker_processes 1;
events { worker_connections 4096; }
http { access_log off; ${paths}
${sample}
}`,
    )
    const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'])
    child.stderr.on('data', (chunk: Buffer) => {
      nginx.output += chunk.toString()
    })
    nginx.#process = child
    return nginx
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child !== null && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
