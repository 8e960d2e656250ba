import type * as contract from '../contract.d.ts'
import { assetAt } from './assets.ts'
import { pageOf } from './layout.tsx'
import { foreignPage, missing, troubled } from './screens/trouble/trouble.tsx'
import { screens } from './screens/screens.ts'
import { languageOf } from './texts.ts'
import { noTheme, themeOf } from './theme.ts'
import { Trouble, type Answer, type Visit } from './visit.ts'

/** As contract.d.ts says. */
export const serve: typeof contract.serve = async (request) => {
  const asset = request.method === 'GET' ? assetAt(request.path) : undefined
  if (asset)
    return {
      status: 200,
      headers: { ...guards, 'content-type': asset.type, 'cache-control': 'public, max-age=31536000, immutable' },
      body: asset.text,
    }
  const visit = await visitOf(request)
  const answer = await answerTo(visit, request)
  return 'to' in answer
    ? { status: 303, headers: { ...guards, location: answer.to }, body: '' }
    : {
        status: answer.status ?? 200,
        headers: { ...guards, 'content-type': 'text/html; charset=utf-8', 'content-language': visit.language },
        body: pageOf(visit, answer),
      }
}

async function visitOf({ base, fields, acceptLanguage, api }: contract.PageRequest): Promise<Visit> {
  return {
    base,
    api,
    language: languageOf(acceptLanguage),
    theme: await themeOf(api).catch(() => noTheme),
    field: (name) => {
      const value = Object.hasOwn(fields, name) ? fields[name] : '',
        [first] = Array.isArray(value) ? (value as unknown[]) : [value]
      return typeof first === 'string' ? first.slice(0, MAX_FIELD) : ''
    },
  }
}
/** The longest that the API takes is what an authenticator says. */
const MAX_FIELD = 70_000

async function answerTo(visit: Visit, request: contract.PageRequest): Promise<Answer> {
  const { method, path, isOurs } = request
  if (!isOurs) return foreignPage(visit)
  const screen = screens.get(path.replace(/\/+$/, '')),
    handle = method === 'POST' ? screen?.post : screen?.get
  if (!screen) return missing(visit)
  // whoever comes back to the address of a step finds its beginning
  if (!handle) return { to: `${visit.base}/login` }
  try {
    return await handle(visit)
  } catch (error) {
    if (error instanceof Trouble) return error.page ? error.page(visit) : troubled(visit, error.reply)
    request.report(error)
    return troubled(visit, { status: 500, body: {}, traceId: request.traceId, retryAfterSeconds: undefined })
  }
}

/**
 * Nothing on a page comes from elsewhere or stands in it as code, and no other page shows it in a frame. The browser tells
 * other sites nothing of the address, which may hold the token of a mailed link. It does tell this server where a form was:
 * with `no-referrer`, browsers would send `Origin: null`, and over plain http there is nothing else to know a foreign form by.
 */
const guards = {
  'content-security-policy': [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join(';'),
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
}
