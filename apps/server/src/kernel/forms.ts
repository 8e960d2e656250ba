import { Readable } from 'node:stream'
import multipart, { type Multipart, type MultipartFile } from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError, errors } from './errors.ts'
import type { FormPart, Operation } from './operation.ts'

/*
 * Forms with a file that is too large to be held (`form` of an operation). Their handlers read them as they arrive, so that
 * nobody without a token makes the server read one, and no faster than the handler goes on.
 */

/** Of a text, and how many parts there may be. */
const MOST_TEXT_BYTES = 64 * 1024,
  MOST_PARTS = 10

/** Leaves the bodies of forms to the handlers of this part of the app. */
export async function leaveForms(app: FastifyInstance) {
  app.removeContentTypeParser('multipart/form-data')
  await app.register(multipart, {
    limits: {
      fieldNameSize: 100,
      fieldSize: MOST_TEXT_BYTES,
      fields: MOST_PARTS,
      files: MOST_PARTS,
      parts: MOST_PARTS,
      headerPairs: 20,
      // each call has its own
      fileSize: 0,
    },
  })
}

/** @throws 413, 415, and 400 for a form that breaks off */
export async function* partsOf(op: Operation, request: FastifyRequest, mostBytes: number): AsyncGenerator<FormPart> {
  if (!op.form) throw new Error(`${op.id} reads a form, and does not declare it`)
  if (!request.isMultipart()) throw errors.unsupported()
  let isWhole = false
  try {
    for await (const part of request.parts({ limits: { fileSize: mostBytes } })) yield* partOf(part)
    isWhole = true
  } catch (error) {
    throw refusalOf(error)
  } finally {
    // the rest of a refused form is let through unread, so that the client gets to the reply
    if (!isWhole) request.raw.unpipe().resume()
  }
}

async function* partOf(part: Multipart): AsyncGenerator<FormPart> {
  const name = part.fieldname
  if (part.type === 'field') {
    if (part.fieldnameTruncated || part.valueTruncated) throw errors.tooLarge()
    // a field that says that it is JSON has been parsed
    yield { name, text: typeof part.value === 'string' ? part.value : JSON.stringify(part.value ?? null) }
    return
  }
  yield { name, file: Readable.from(bytesOf(part.file), { objectMode: false }) }
  part.file.resume()
}

async function* bytesOf(file: MultipartFile['file']): AsyncGenerator<Buffer> {
  try {
    yield* file as AsyncIterable<Buffer>
  } catch (error) {
    throw refusalOf(error)
  }
  if (file.truncated) throw errors.tooLarge()
}

/** What the form's reader fails at is what the client has sent. */
function refusalOf(error: unknown) {
  if (error instanceof ApiError) return error
  return (error as { statusCode?: number }).statusCode === 413 ? errors.tooLarge() : errors.malformedForm()
}
