/** @typedef {typeof en} Texts */

const en = {
  usage:
    'npm run add-client -- --name Wiki --url https://wiki.example.com --for authjs\n' +
    '  [--redirect-uri https://…] [--first-party] [--file clients.json] [--origin https://login.example.com]',
  noOrigin: 'PUBLIC_ORIGIN is not set: set it as for qr-login, or use --origin https://login.example.com',
  badOrigin: 'PUBLIC_ORIGIN and --origin are an origin such as https://login.example.com: http or https, no path',
  askName: 'The name of the app, as people see it:',
  badName: 'A name has 1 to 60 characters, none of them a control character.',
  askUrl: 'The address of the app (https://…):',
  badUrl: 'An address is https; http only on 127.0.0.1, [::1] or localhost.',
  askTarget: 'What the app uses:',
  /** @param {string} names */
  badTarget: (names) => `One of: ${names}`,
  ended: 'No answer: nothing was changed.',
  /** @param {string} file */
  fileMistakes: (file) => `The clients file has mistakes: ${file}`,
  entryMistakes: 'The new client has mistakes:',
  nothingChanged: 'Nothing was changed.',
  /** @param {string} draft */
  draftExists: (draft) => `${draft} exists: another add-client is running, or was interrupted. Then remove the file.`,
  /** @type {(file: string, message: string) => string} */
  notWritten: (file, message) => `${file} was not changed: ${message}`,
  /** @type {(id: string, file: string) => string} */
  added: (id, file) => `Added the client ${id} to ${file}, which contains secrets.`,
  reload:
    'Let qr-login read it: systemctl reload qr-login, docker compose kill -s HUP one two, or kill -HUP <process id>.',
  /** @param {string} file */
  setFile: (file) => `Set CLIENTS_FILE=${file} and restart qr-login.`,
  redirectUris: 'Redirect URIs that the app may use:',
  setHosts: 'The proxy needs no client. Set this on qr-login, add the proxy to TRUSTED_PROXIES, and restart qr-login:',
  needsHttps: 'Forward auth needs an https address.',
  /** @param {string} file */
  paste: (file) => `──── ${file}`,
}

/** @type {Texts} */
const zh = {
  usage: en.usage,
  noOrigin: '没有设置 PUBLIC_ORIGIN：请像 qr-login 那样设置它，或使用 --origin https://login.example.com',
  badOrigin: 'PUBLIC_ORIGIN 和 --origin 是一个来源，例如 https://login.example.com：http 或 https，没有路径',
  askName: '应用的名称（用户会看到）：',
  badName: '名称为 1 到 60 个字符，不能有控制字符。',
  askUrl: '应用的地址（https://…）：',
  badUrl: '地址必须是 https；http 只能用于 127.0.0.1、[::1] 或 localhost。',
  askTarget: '应用使用：',
  badTarget: (names) => `请选择其中之一：${names}`,
  ended: '没有收到回答：没有任何更改。',
  fileMistakes: (file) => `客户端文件有错误：${file}`,
  entryMistakes: '新的客户端有错误：',
  nothingChanged: '没有任何更改。',
  draftExists: (draft) => `${draft} 已存在：另一个 add-client 正在运行，或曾被中断。如已中断，请删除这个文件。`,
  notWritten: (file, message) => `没有更改 ${file}：${message}`,
  added: (id, file) => `已把客户端 ${id} 写入 ${file}。这个文件包含密钥。`,
  reload:
    '让 qr-login 重新读取：systemctl reload qr-login、docker compose kill -s HUP one two，或 kill -HUP <进程号>。',
  setFile: (file) => `请设置 CLIENTS_FILE=${file}，然后重启 qr-login。`,
  redirectUris: '应用可以使用的回调地址：',
  setHosts: '代理不需要客户端。请设置 qr-login 的这一项，把代理加入 TRUSTED_PROXIES，然后重启 qr-login：',
  needsHttps: 'Forward auth 需要 https 地址。',
  paste: (file) => `──── ${file}`,
}

/**
 * The texts in the language of the environment (POSIX: `LC_ALL`, `LC_MESSAGES`, `LANG`).
 * @param {NodeJS.ProcessEnv} env
 * @returns {Texts}
 */
export function pickTexts({ LC_ALL, LC_MESSAGES, LANG }) {
  return /^zh\b|^zh_/i.test(LC_ALL || LC_MESSAGES || LANG || '') ? zh : en
}
