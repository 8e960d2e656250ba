import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import { errors } from '../../../kernel/errors.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import { fits } from '../../../kernel/validation.ts'
import { importErrors } from './imports.errors.ts'
import { importUsers } from './imports.jobs.ts'
import { HashType, MigratedUser } from './imports.schemas.ts'
import { mustHaveApplication } from './imports.service.ts'
import { keeping } from './imports.sql.ts'
import { gathering, MOST_ROWS_IN_ALL, mostBytes, partOf, type FileSettings } from './parts.ts'
import * as events from '../../rights/events/events.service.ts'

const MOST_RECORD_BYTES = 128 * 1024,
  MOST_COLUMNS = 100,
  MOST_TEXT = 64 * 1024

/**
 * Takes in a file of users, and queues their import. The file is read as fast as its rows can be stored, and never held. The
 * other parts of the form say what its columns mean, and may come before or after it.
 * @throws 400 for a form or file that cannot be used, 413, 415, 403 without a default application
 */
export async function upload(ctx: HttpCtx) {
  await mustHaveApplication(ctx)
  const migrationId = ctx.random.uuid()
  await ctx.db.userImport.create({
    data: { id: migrationId, format: 'csv', state: 'receiving', createdAt: ctx.clock.now() },
  })
  try {
    const { columns, total, fieldsMapper, hashingConfig } = await receive(ctx, migrationId)
    const hashing = hashingOf(hashingConfig),
      settings: FileSettings = { fields: fieldsOf(columns, fieldsMapper), ...(hashing && { hashing }) }
    await ctx.atomically(async (tx) => {
      await tx.db.userImport.updateMany({
        where: { id: migrationId },
        data: { state: 'pending', total, settings: tx.deps.secrets.seal(JSON.stringify(settings)) },
      })
      await jobs.add(tx, importUsers, { importId: migrationId })
      await events.record(tx, {
        key: 'import.started',
        subject: { kind: 'import', id: migrationId },
        details: { total },
      })
    })
  } catch (error) {
    await ctx.db.userImport.deleteMany({ where: { id: migrationId } })
    throw error
  }
  return { migrationId }
}

async function receive(ctx: HttpCtx, importId: string) {
  let file: { columns: string[]; total: number } | undefined
  const texts = new Map<string, string>()
  for await (const part of ctx.http.form(mostBytes(ctx))) {
    if ('text' in part) texts.set(part.name, part.text)
    else if (part.name !== 'csv') texts.set(part.name, await textOf(part.file))
    else if (file) throw importErrors.noFile()
    else file = await store(ctx, importId, part.file)
  }
  if (!file) throw importErrors.noFile()
  if (!file.total) throw importErrors.noRows()
  return { ...file, fieldsMapper: texts.get('fieldsMapper'), hashingConfig: texts.get('hashingConfig') }
}

/** Some clients send small texts as files. */
async function textOf(file: Readable) {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of file as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MOST_TEXT) throw errors.tooLarge()
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Stores the rows of the file, in parts. */
async function store(ctx: Ctx, importId: string, file: Readable) {
  let columns: string[] | undefined,
    parts = 0
  const gather = gathering()
  const keep = async (rows: string[] | undefined) => {
    if (!rows) return
    const part = partOf(ctx, importId, parts++, gather.start, rows)
    await ctx.sql(keeping, importId, part.number, part.start, part.rows)
  }
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MOST_RECORD_BYTES,
  })
  await pipeline(file, parser, async (records: AsyncIterable<string[]>) => {
    for await (const record of records) {
      if (!columns) columns = mustBeColumns(record)
      else if (gather.total === MOST_ROWS_IN_ALL) throw importErrors.tooManyRows(MOST_ROWS_IN_ALL)
      // one value too many is enough to see that the row is wrong
      else await keep(gather.add(record.slice(0, columns.length + 1)))
    }
  }).catch((error: unknown) => {
    throw error instanceof CsvError ? importErrors.badCsv(Number(error['lines'] ?? 0), wordsFor(error)) : error
  })
  await keep(gather.rest())
  return { columns: columns ?? [], total: gather.total }
}

const wordsFor = ({ code }: CsvError) =>
  code === 'CSV_MAX_RECORD_SIZE'
    ? `a row is longer than ${MOST_RECORD_BYTES} bytes`
    : 'its quotes do not fit: a value with a comma, quote or line break stands in quotes, and quotes in it are doubled'

function mustBeColumns(record: readonly string[]) {
  if (record.length > MOST_COLUMNS) throw importErrors.tooManyColumns(MOST_COLUMNS)
  const columns = record.map((name) => name.trim()),
    named = columns.filter((name) => name !== ''),
    twice = named.find((name, i) => named.indexOf(name) !== i)
  if (twice !== undefined) throw importErrors.badColumns(`two of them are called ${twice.slice(0, 100)}`)
  return columns
}

/** In lower case, as people write them with a capital letter now and then. */
const FIELDS = new Map(
  Object.keys((MigratedUser as unknown as { properties: object }).properties).map((name) => [name.toLowerCase(), name]),
)

/** The field of each column. Without a mapper, columns are called as fields are; others are left out. */
function fieldsOf(columns: readonly string[], written: string | undefined) {
  const mapper = written === undefined || written.trim() === '' ? undefined : mapperOf(written)
  const fields = columns.map((name) =>
      mapper ? (mapper.get(name) ?? null) : (FIELDS.get(name.toLowerCase()) ?? null),
    ),
    known = fields.filter((field) => field !== null),
    twice = known.find((field, i) => known.indexOf(field) !== i)
  if (twice !== undefined) throw importErrors.badColumns(`two of them are for ${twice}`)
  if (!known.includes('tenantId')) throw importErrors.badColumns('none is for tenantId')
  if (!known.includes('email') && !known.includes('username')) throw importErrors.badColumns('none is for email')
  return fields
}

/** The names of columns, with the fields that they stand for. */
function mapperOf(written: string) {
  const found = new Map<string, string>()
  for (const [column, name] of Object.entries(objectOf(written, importErrors.badMapper))) {
    const field = typeof name === 'string' ? FIELDS.get(name.trim().toLowerCase()) : undefined
    if (field === undefined)
      throw importErrors.badMapper(`names a field that there is not for the column ${column.slice(0, 100)}`)
    found.set(column.trim(), field)
  }
  return found
}

/** The type of all hashes in the file and, as an object or text, what belongs to it. */
function hashingOf(written: string | undefined): FileSettings['hashing'] {
  if (written === undefined || written.trim() === '') return undefined
  const { passwordHashType, passwordHashConfig } = objectOf(written, importErrors.badHashing)
  if (passwordHashType !== undefined && !fits(HashType, passwordHashType))
    throw importErrors.badHashing('names a type of hash that there is not')
  const config = typeof passwordHashConfig === 'object' ? JSON.stringify(passwordHashConfig) : passwordHashConfig
  if (config !== undefined && (typeof config !== 'string' || config.length > 4095))
    throw importErrors.badHashing('has a passwordHashConfig that is no object or text, or is too long')
  return {
    ...(passwordHashType !== undefined && { passwordHashType: passwordHashType as 'bcrypt' }),
    ...(config !== undefined && config !== 'null' && { passwordHashConfig: config }),
  }
}

function objectOf(written: string, refuse: (what: string) => Error): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(written)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // refused below
  }
  throw refuse('must be a JSON object')
}
