import { LANGUAGE_TAGS, LOCALE_COOKIE, LOCALES, type Locale } from '../i18n/catalogue'
import { pickLocale } from '../i18n/locale'
import { PLAIN_TEXTS } from '../i18n/plain-texts'
import type { HeaderReader } from './api-request'

/** A page without scripts: a message, or a question with a form. */
export interface PlainPage {
  status: number
  title: string
  /** Paragraphs. */
  texts: readonly string[]
  /** Small print, for those who look for the cause. */
  detail?: { label: string; text: string }
  /** The question; null: none. */
  form?: PlainForm
  /** The way out. */
  link: { label: string; path: string }
}

interface PlainForm {
  /** A path of ours. */
  action: string
  fields: Record<string, string>
  label: string
  /** Where the response to the form may lead: an origin besides our own. Null: nowhere else. */
  leadsTo: string | null
}

/**
 * The language of a request: the one that the person has chosen, or that an app asks for
 * (`uiLocales`: OpenID Connect Core 1.0, section 3.1.2.1), or that the browser asks for.
 */
export function localeOf(headers: HeaderReader, uiLocales: string | null = null): Locale {
  const asked = uiLocales === null ? null : findLocale(uiLocales)
  return pickLocale(chosenLocaleOf(headers) ?? asked ?? undefined, headers.get('accept-language'))
}

/** The language that the person has chosen. */
function chosenLocaleOf(headers: HeaderReader): string | undefined {
  return new RegExp(`(?:^|; )${LOCALE_COOKIE}=([a-z]+)`).exec(headers.get('cookie') ?? '')?.[1]
}

/**
 * A `Set-Cookie` value that shows our pages in the language that an app asks for, until the browser
 * is closed. Null: it asks for none that we have, or the person has chosen one.
 */
export function localeCookie(headers: HeaderReader, uiLocales: string | null): string | null {
  const asked = uiLocales === null ? null : findLocale(uiLocales)
  if (asked === null || chosenLocaleOf(headers) !== undefined) return null
  return `${LOCALE_COOKIE}=${asked}; Path=/; SameSite=Lax`
}

/** The first of some language tags, separated by spaces, that we have. */
function findLocale(tags: string): Locale | null {
  const found = tags.split(' ').map((tag) => LOCALES.find((locale) => tag.toLowerCase().split('-')[0] === locale))
  return found.find((locale) => locale !== undefined) ?? null
}

/** The page as a response, with a policy that lets it load its style sheet alone. */
export function plainPage(page: PlainPage, locale: Locale): Response {
  const { status, title, texts, detail, form, link } = page
  const { brand } = PLAIN_TEXTS[locale]
  const paragraphs = texts.map((text) => `<p>${escapeHtml(text)}</p>`)
  const small =
    detail === undefined
      ? ''
      : `<p class="detail">${escapeHtml(detail.label)}: <code>${escapeHtml(detail.text)}</code></p>`
  const html = `<!doctype html>
<html lang="${LANGUAGE_TAGS[locale]}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · ${escapeHtml(brand)}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/plain.css">
</head>
<body>
<main>
<img src="/icon.svg" alt="" width="64" height="64">
<h1>${escapeHtml(title)}</h1>
${paragraphs.join('\n')}
${small}
<div class="actions">
${form === undefined ? '' : toForm(form)}
<a class="button" href="${escapeHtml(link.path)}">${escapeHtml(link.label)}</a>
</div>
</main>
</body>
</html>
`
  return new Response(html, {
    status,
    headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policyOf(form) },
  })
}

function toForm({ action, fields, label }: PlainForm): string {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const button = `<button class="button primary" type="submit">${escapeHtml(label)}</button>`
  return `<form method="post" action="${escapeHtml(action)}">${inputs.join('')}${button}</form>`
}

function policyOf(form: PlainForm | undefined): string {
  const targets = form === undefined ? "'none'" : ["'self'", ...(form.leadsTo === null ? [] : [form.leadsTo])].join(' ')
  return [
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self'",
    `form-action ${targets}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
