import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function hasCaddy(): boolean {
  return spawnSync('caddy', ['version']).status === 0
}

/** An app behind a proxy. `file`: the configuration that is tested. */
export interface ProxiedApp {
  file:
    | 'deploy/forward-auth/nginx.conf'
    | 'deploy/forward-auth/Caddyfile'
    | 'docs/guides/apps/snippets/nginx.conf'
    | 'docs/guides/apps/snippets/Caddyfile'
  /** With the port. */
  host: string
}

export interface ProxyTargets {
  apps: readonly ProxiedApp[]
  /** The ports of the app and of qr-login. */
  appPort: number
  loginPort: number
}

/** Real proxies in front of apps, with the configurations of the project. */
export class AppProxies {
  readonly #folder = mkdtempSync(join(tmpdir(), 'qr-login-app-proxies-'))
  readonly #children: ChildProcess[] = []
  readonly #certificate = join(this.#folder, 'certificate.pem')
  readonly #key = join(this.#folder, 'key.pem')
  output = ''

  static start(targets: ProxyTargets): AppProxies {
    const proxies = new AppProxies()
    const subject = ['-subj', '/CN=localhost', '-days', '2', '-nodes']
    const files = ['-keyout', proxies.#key, '-out', proxies.#certificate]
    spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files, ...subject])
    const textsOf = (name: string) =>
      targets.apps.filter(({ file }) => file.endsWith(name)).map((app) => proxies.#read(app, targets))
    proxies.#startNginx(textsOf('nginx.conf').join('\n'))
    proxies.#startCaddy(textsOf('Caddyfile').join('\n'))
    return proxies
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null) continue
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** The file with the addresses of this machine in place of the sample's. */
  #read({ file, host }: ProxiedApp, { appPort, loginPort }: ProxyTargets): string {
    const text = readFileSync(file, 'utf8')
      .replaceAll('127.0.0.1:3000', `127.0.0.1:${loginPort}`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${appPort}`)
      .replaceAll('{{APP_HOST}}', host)
      .replaceAll('wiki.example.com;', `${host};`)
    const [name = '', port = ''] = host.split(':')
    const tls = `ssl_certificate ${this.#certificate}; ssl_certificate_key ${this.#key};`
    const listen = `listen 127.0.0.1:${port} ssl http2; server_name ${name};`
    if (file === 'docs/guides/apps/snippets/nginx.conf') return `server { ${listen} ${tls}\n${text}\n}`
    if (file.endsWith('nginx.conf'))
      return text
        .replace(/server \{\s*listen 80;[\s\S]*?\n\}/, '')
        .replace(/^ *(listen|server_name|ssl_certificate|ssl_certificate_key) [^\n]*\n/gm, '')
        .replace(/^server \{/m, `server { ${listen} ${tls}`)
    return text.replace(
      /^(wiki\.example\.com|[\w.]+:\d+) \{/m,
      `https://${host} {\n\ttls ${this.#certificate} ${this.#key}`,
    )
  }

  #startNginx(text: string): void {
    const folder = join(this.#folder, 'nginx')
    mkdirSync(join(folder, 'temp'), { recursive: true })
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `${name}_temp_path ${join(folder, 'temp', name)};`)
      .join(' ')
    const config = `daemon off; pid ${join(folder, 'pid')}; error_log stderr warn; worker_processes 1;
events { worker_connections 1024; }
http { access_log off; ${paths} proxy_bind 127.0.0.2;
${text}
}`
    writeFileSync(join(folder, 'nginx.conf'), config)
    this.#spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'])
  }

  #startCaddy(text: string): void {
    const folder = join(this.#folder, 'caddy')
    mkdirSync(folder)
    const config = `{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n${text}`
    writeFileSync(join(folder, 'Caddyfile'), config)
    this.#spawn('caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'])
  }

  #spawn(program: string, args: string[]): void {
    const { PATH = '' } = process.env
    const child = spawn(program, args, {
      env: { ...process.env, PATH, HOME: this.#folder, XDG_DATA_HOME: this.#folder },
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.output += chunk.toString()
    })
    this.#children.push(child)
  }
}
