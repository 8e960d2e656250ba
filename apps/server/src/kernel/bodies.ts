import type { FastifyInstance, FastifyRequest } from 'fastify'
import { header } from './authorize.ts'
import { errors } from './errors.ts'
import { isStorable, isTooMuchJson } from './validation.ts'

/** Clients send `Content-Type: application/json` with no body, on any method. */
export function acceptBodies(app: FastifyInstance) {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>(['application/json', 'text/plain'], { parseAs: 'string' }, (request, text, done) => {
    if (text.trim() === '') return done(null, undefined)
    if (isTooMuchJson(text)) return done(errors.tooMuchJson())
    // Postgres cannot store it, in text or in JSON
    if (text.includes('\\u0000')) return done(errors.malformedJson())
    void parse(request, text, (error, value) =>
      done(error || (/\\ud[89a-f]/i.test(text) && !isStorable(value)) ? errors.malformedJson() : null, value),
    )
  })
  app.addContentTypeParser<Buffer>(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, form: Buffer) => fromForm(request, form),
  )
  app.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (request: FastifyRequest, text, done) => {
      if (text.split('&', MAX_FORM_FIELDS + 1).length > MAX_FORM_FIELDS) return done(errors.malformedForm())
      const pairs = [...new URLSearchParams(text)],
        fields = Object.fromEntries(pairs)
      // of two values, somebody before us may have read the other one (RFC 6749 §3.2)
      done(isOauth(request) && Object.keys(fields).length < pairs.length ? errors.malformedForm() : null, fields)
    },
  )
}
/** Whether the operation speaks OAuth. */
export const isOauth = (request: FastifyRequest) => (request.routeOptions.config as { oauth?: boolean }).oauth === true

/** Real forms have far fewer. In a multipart form, lines stand for headers and parts; a picture holds few line ends. */
const MAX_FORM_FIELDS = 1000,
  MAX_FORM_LINES = 20_000

function hasTooManyLines(form: Buffer) {
  let lines = 0
  for (let at = form.indexOf('\r\n'); at !== -1; at = form.indexOf('\r\n', at + 2))
    if (++lines > MAX_FORM_LINES) return true
  return false
}

/** The fields of a form, for an operation that takes an upload. */
async function fromForm(request: FastifyRequest, form: Buffer) {
  const { upload } = request.routeOptions.config as { upload?: string }
  if (upload === undefined) throw errors.unsupported()
  if (hasTooManyLines(form)) throw errors.malformedForm()
  const entries = await new Response(new Uint8Array(form), {
    headers: { 'content-type': header(request, 'content-type')! },
  })
    .formData()
    .then(
      (data) => [...data],
      () => {
        throw errors.malformedForm()
      },
    )
  const fields = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  // the types of Node's own File and of what a form gives differ
  const file = entries.find(([, value]) => typeof value !== 'string')?.[1] as unknown as Blob | undefined
  return {
    ...Object.fromEntries(fields),
    ...(file && { [upload]: Buffer.from(await file.arrayBuffer()).toString('base64') }),
  }
}
