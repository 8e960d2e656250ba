import type { Content, MailTemplate } from './default-mails.ts'

/* How our own mails look. Mail programs know little of CSS: what matters stands in `style`, and tables hold the columns. */

const when = (name: string, then: string, otherwise = '') =>
  `{{#if ${name}}}${then}${otherwise && `{{else}}${otherwise}`}{{/if}}`

const GREETING = when('name', 'Hello {{name}},', 'Hello,'),
  ONCE = {
    code: `The code works once${when('expiresIn', ' and expires in {{expiresIn}}')}.`,
    link: `The link works once${when('expiresIn', ' and expires in {{expiresIn}}')}.`,
  },
  SENDER = 'Sent by {{applicationName}}.'
const origins = [
  ['Device', 'device'],
  ['IP address', 'ip'],
  ['Place', 'location'],
] as const

/** A whole mail in HTML and as text. */
export function framed(content: Content): MailTemplate {
  const { subject } = content
  return {
    subject: `${subject}${when('applicationName', ' · {{applicationName}}')}`,
    html: page(subject, opening(content)[0]!, body(content), content.why),
    text: text(content),
  }
}

/** The sentences before code and button. */
const opening = ({ paragraphs, issued }: Content) =>
  issued ? paragraphs.map((paragraph, at) => when('issuerName', issued[at]!, paragraph)) : paragraphs

function text(content: Content) {
  const { code, action, origin, once, closing, why } = content
  return [
    GREETING,
    ...opening(content),
    ...(code ? [when('code', '{{code}}')] : []),
    ...(action === undefined ? [] : [when('redirectURL', `${action}:\n{{redirectURL}}`)]),
    ...(origin ? [origins.map(([label, name]) => when(name, `${label}: {{${name}}}\n`)).join('')] : []),
    ...(once ? [when(VALUE[once], ONCE[once])] : []),
    ...(closing === undefined ? [] : [closing]),
    `--\n${why}${when('applicationName', ` ${SENDER}`)}`,
  ].join('\n\n')
}
const VALUE = { code: 'code', link: 'redirectURL' } as const

const paragraph = (words: string, look: 'ink' | 'soft' = 'ink') =>
  `<p class="${look}" style="${look === 'ink' ? 'margin:0 0 16px;color:#1b2430' : 'margin:16px 0;font-size:14px;line-height:22px;color:#5b6675'}">${words}</p>`

function body(content: Content) {
  const { code, action, origin, once, closing } = content
  return [
    paragraph(GREETING),
    ...opening(content).map((words) => paragraph(words)),
    ...(code ? [when('code', CODE)] : []),
    ...(action === undefined ? [] : [when('redirectURL', button(action))]),
    ...(origin ? [origins.map(([label, name]) => when(name, row(label, `{{${name}}}`))).join('\n')] : []),
    ...(once ? [when(VALUE[once], paragraph(ONCE[once], 'soft'))] : []),
    ...(action === undefined ? [] : [when('redirectURL', BARE)]),
    ...(closing === undefined ? [] : [paragraph(closing, 'soft')]),
  ].join('\n')
}

const CODE = `<p class="code" style="margin:8px 0 24px;padding:16px;border-radius:8px;background:#eef1f6;color:#1b2430;font:700 32px/40px ui-monospace,Menlo,Consolas,monospace;letter-spacing:6px;text-align:center">{{code}}</p>`

const button = (label: string) =>
  `<p style="margin:8px 0 24px"><a class="button" href="{{redirectURL}}" style="display:inline-block;padding:13px 24px;border-radius:8px;background:#1f4fd8;color:#ffffff;font-weight:600;text-align:center;text-decoration:none">${label}</a></p>`

const BARE = `<p class="soft" style="margin:16px 0;font-size:14px;line-height:22px;color:#5b6675">If the button does not work, open this address: <a class="link" href="{{redirectURL}}" style="color:#1f4fd8;word-break:break-all">{{redirectURL}}</a></p>`

const row = (label: string, value: string) =>
  `<p class="ink" style="margin:0 0 8px;font-size:14px;line-height:22px;color:#1b2430"><span class="soft" style="color:#5b6675">${label}:</span> ${value}</p>`

/** With the names of the classes above. Braces stand apart: two together would begin a placeholder. */
const STYLE = `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (max-width: 480px) {
  .card { padding: 24px 20px 8px !important; }
  .button { display: block !important; }
  .code { font-size: 28px !important; letter-spacing: 4px !important; }
}
@media (prefers-color-scheme: dark) {
  .page { background: #0f1218 !important; }
  .card { background: #1a1f29 !important; border-color: #2b3240 !important; }
  .ink { color: #edf0f5 !important; }
  .soft { color: #a6b0c0 !important; }
  .code { background: #272e3b !important; color: #ffffff !important; }
  .button { background: #3c6cf0 !important; }
  .link { color: #8fb0ff !important; }
}
`

/** The logo, or else the name, of who sends it. */
const HEAD = `{{#if logoUrl}}<tr><td style="padding:0 4px 20px"><img src="{{logoUrl}}" alt="{{applicationName}}" height="36" style="display:block;height:36px;max-width:220px;border:0"></td></tr>
{{else if applicationName}}<tr><td class="ink" style="padding:0 4px 20px;font-size:18px;line-height:24px;font-weight:700;color:#1b2430">{{applicationName}}</td></tr>
{{/if}}`

const page = (subject: string, summary: string, content: string, why: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${subject}</title>
<style>${STYLE}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f2f4f8">
<div style="display:none;max-height:0;overflow:hidden">${summary}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f2f4f8;font:16px/24px -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;text-align:left">
${HEAD}<tr><td class="card" style="padding:36px 40px 20px;border:1px solid #dfe4ec;border-radius:12px;background:#ffffff">
<h1 class="ink" style="margin:0 0 20px;font-size:24px;line-height:30px;color:#1b2430">${subject}</h1>
${content}
</td></tr>
<tr><td class="soft" style="padding:20px 4px 0;font-size:13px;line-height:20px;color:#5b6675">${why}${when('applicationName', `<br>${SENDER}`)}</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`
