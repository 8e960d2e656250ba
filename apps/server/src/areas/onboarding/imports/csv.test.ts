import { isForeign } from '@henhouse/foreign-hashes'
import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { listening, newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { everythingOf } from '../../../../test/furnished.ts'
import { deps } from '../../../../test/environment.ts'

const url = '/identity/resources/migrations/v1/local/bulk'
const BCRYPT = '$2y$10$wisIVhmjWjm/lkujDJVAXuuYDXiGU/c9HK3mMzqFbfk45PXA527ui'

interface Part {
  name: string
  content: string | Buffer
  filename?: string
  type?: string
}
const BOUNDARY = 'a-boundary-of-the-tests'
const formOf = (parts: readonly Part[]) =>
  Buffer.concat([
    ...parts.flatMap(({ name, content, filename, type }) => [
      Buffer.from(
        `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n${
          type === undefined ? '' : `content-type: ${type}\r\n`
        }\r\n`,
      ),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${BOUNDARY}--\r\n`),
  ])
const csvPart = (content: string | Buffer): Part => ({ name: 'csv', content, filename: 'users.csv', type: 'text/csv' })
const send = (env: TestEnvironment, parts: readonly Part[]) =>
  env.vendor('POST', `${url}/csv`, formOf(parts), {
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
  })
/** Uploads it, and imports it. @returns the status at the end */
async function imported(env: TestEnvironment, content: string | Buffer, more: readonly Part[] = []) {
  const answer = await send(env, [csvPart(content), ...more])
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 })
  await env.runJobs()
  return (await env.vendor('GET', `${url}/status/${answer.body.migrationId}`)).body
}
const names = async (env: TestEnvironment) =>
  Object.fromEntries(
    (await (await env.context()).db.user.findMany({ where: {} })).map(({ email, name }) => [email, name]),
  )

describe.concurrent('a file of users', () => {
  test('is imported as the mapper and the hashing of the public migration tool say', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      { db } = await env.context(),
      ids = (await db.role.findMany({ where: { key: { in: ['Admin', 'ReadOnly'] } } })).map(({ id }) => id)
    const mapper = {
      ...{ name: 'name', email: 'email', tenantId: 'tenantId', password: 'passwordHash', metadata: 'metadata' },
      ...{ phoneNumber: 'phoneNumber', roleIds: 'roleIds' },
    }
    const found = await imported(
      env,
      `name,email,tenantId,password,metadata,phoneNumber,roleIds,ignored\nAda,ada@example.com,${tenantId},${BCRYPT},"{""a"": ""b,c""}",+16037184056,${ids.join('|')},x\n`,
      [
        { name: 'fieldsMapper', content: JSON.stringify(mapper), type: 'application/json' },
        { name: 'hashingConfig', content: '{"passwordHashType": "bcrypt"}', type: 'application/json' },
      ],
    )
    expect(found).toMatchObject({ state: 'completed', total: 1, migrated: 1, errors: [] })
    const user = await db.user.findFirstOrThrow({
      where: { email: 'ada@example.com' },
      include: { memberships: { include: { roles: true } } },
    })
    expect(user).toMatchObject({ name: 'Ada', metadata: '{"a": "b,c"}', phoneNumber: '+16037184056', verified: false })
    expect(isForeign(user.passwordHash!)).toBe(true)
    expect(user.memberships[0]!.roles.map(({ roleId }) => roleId).toSorted()).toEqual(ids.toSorted())
  })

  test('needs no mapper when its columns are called as fields are; the parts may come in any order, also as files', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    expect(
      await imported(env, `Email,TENANTID,PasswordHash,verifyUser,other\na@example.com,${tenantId},${BCRYPT},TRUE,x\n`),
    ).toMatchObject({ migrated: 1, errors: [] })
    const answer = await send(env, [
      {
        name: 'fieldsMapper',
        content: '{"mail":"Email","org":"tenantId"}',
        filename: 'map.json',
        type: 'application/json',
      },
      { name: 'nothing', content: 'x' },
      csvPart(`mail,org\nb@example.com,${tenantId}\n`),
    ])
    expect(answer.status).toBe(202)
    await env.runJobs()
    const { db } = await env.context()
    expect((await db.user.findMany({ orderBy: { email: 'asc' } })).map((user) => [user.email, user.verified])).toEqual([
      ['a@example.com', true],
      ['b@example.com', false],
    ])
  })

  test.each([
    ['with a byte order mark', (t: string) => `\ufeffemail,tenantId,name\na@example.com,${t},Ada\n`],
    ['with the line ends of Windows', (t: string) => `email,tenantId,name\r\na@example.com,${t},Ada\r\n`],
    ['with the line ends of old Macs', (t: string) => `email,tenantId,name\ra@example.com,${t},Ada\r`],
    ['with mixed line ends', (t: string) => `email,tenantId,name\r\n\na@example.com,${t},Ada\n\r\n`],
    ['without a last line end', (t: string) => `email,tenantId,name\na@example.com,${t},Ada`],
    ['with all in quotes', (t: string) => `"email","tenantId","name"\n"a@example.com","${t}","Ada"\n`],
    ['with blanks around values', (t: string) => `email , tenantId,name\n a@example.com ,${t} , Ada\n`],
  ])('%s is read', async (_, content) => {
    const env = await newEnvironment()
    expect(await imported(env, content(await env.newTenant()))).toMatchObject({ total: 1, migrated: 1, errors: [] })
    expect(await names(env)).toEqual({ 'a@example.com': 'Ada' })
  })

  test('may have quotes, commas and line breaks in quotes, and letters of every alphabet', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    await imported(
      env,
      `email,name,tenantId\na@example.com,"Ada ""the Hen"", of X",${tenantId}\nb@example.com,"two\nlines",${tenantId}\nc@example.com,Жанна 李,${tenantId}\n`,
    )
    expect(await names(env)).toEqual({
      'a@example.com': 'Ada "the Hen", of X',
      'b@example.com': 'two lines',
      'c@example.com': 'Жанна 李',
    })
  })

  test('with bad rows is imported but for them, which are named by index and field', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const found = await imported(
      env,
      [
        'email,tenantId,phoneNumber,verifyUser',
        `a@example.com,${tenantId},,`,
        `no address,${tenantId},,`,
        `c@example.com,,,`,
        `d@example.com,${tenantId},12,`,
        `e@example.com,${tenantId}`,
        `f@example.com,${tenantId},,,`,
        `g@example.com,${tenantId},,perhaps`,
        `h\u0000@example.com,${tenantId},,`,
        `i@example.com,${tenantId},,no`,
      ].join('\n'),
    )
    expect(found).toMatchObject({ state: 'completed', total: 9, migrated: 2 })
    expect(found.errors.map(({ index, field }: { index: number; field: string }) => [index, field])).toEqual([
      [1, 'email'],
      [2, 'tenantId'],
      [3, 'phoneNumber'],
      [4, null],
      [5, null],
      [6, 'verifyUser'],
      [7, null],
    ])
    expect(Object.keys(await names(env)).toSorted()).toEqual(['a@example.com', 'i@example.com'])
  })

  test('with thousands of bad rows shows the first thousand', async () => {
    const env = await newEnvironment(),
      found = await imported(env, `email,tenantId\n${'x,y\n'.repeat(1500)}`)
    expect(found).toMatchObject({ state: 'completed', total: 1500, migrated: 0 })
    expect(found.errors).toHaveLength(1000)
    expect(found.errors.at(-1).index).toBe(999)
  })

  test.each<[string, Part[]]>([
    ['without a file', [{ name: 'fieldsMapper', content: '{}' }]],
    ['with two files', [csvPart('email,tenantId\na@example.com,x\n'), csvPart('email,tenantId\nb@example.com,x\n')]],
    ['with an empty file', [csvPart('')]],
    ['with a file of one line', [csvPart('email,tenantId\n')]],
    ['without a column for the account', [csvPart('email,name\na@example.com,x\n')]],
    ['without a column for the address', [csvPart('tenantId,name\nx,y\n')]],
    ['with one column twice', [csvPart('email,tenantId,email\na@example.com,x,y\n')]],
    [
      'with two columns for one field',
      [csvPart('a,b,c\n1,2,3\n'), { name: 'fieldsMapper', content: '{"a":"email","b":"email","c":"tenantId"}' }],
    ],
    [
      'with a mapper that is no JSON',
      [csvPart('email,tenantId\na@example.com,x\n'), { name: 'fieldsMapper', content: '{' }],
    ],
    [
      'with a mapper to a field that there is not',
      [csvPart('email,tenantId\na@example.com,x\n'), { name: 'fieldsMapper', content: '{"email":"mail"}' }],
    ],
    [
      'with an unknown hash',
      [csvPart('email,tenantId\na@example.com,x\n'), { name: 'hashingConfig', content: '{"passwordHashType":"md5"}' }],
    ],
    ['with a quote that is not closed', [csvPart('email,tenantId\n"a@example.com,x\n')]],
    ['with a quote in the middle of a value', [csvPart('email,tenantId\n"a"@example.com,x\n')]],
    ['with too many columns', [csvPart(`email,tenantId,${Array.from({ length: 99 }, (_, i) => `c${i}`).join(',')}\n`)]],
    ['with a huge value', [csvPart(`email,tenantId,name\na@example.com,x,${'y'.repeat(200_000)}\n`)]],
    ['with a huge value in quotes', [csvPart(`email,tenantId,name\na@example.com,x,"${'y'.repeat(200_000)}`)]],
    [
      'with a field that is too long',
      [
        csvPart('email,tenantId\na@example.com,x\n'),
        { name: 'fieldsMapper', content: `{"x":"${'y'.repeat(70_000)}"}` },
      ],
    ],
    [
      'with too many parts',
      [
        csvPart('email,tenantId\na@example.com,x\n'),
        ...Array.from({ length: 20 }, (_, i) => ({ name: `f${i}`, content: 'x' })),
      ],
    ],
  ])('%s is refused, and nothing of it is kept', async (_, parts) => {
    const env = await newEnvironment(),
      before = await everythingOf(env.id),
      answer = await send(env, parts)
    expect([400, 413], JSON.stringify(answer.body)).toContain(answer.status)
    expect(answer.body.errors.length).toBeGreaterThan(0)
    expect(await everythingOf(env.id)).toEqual(before)
  })

  test('that breaks off, or is no form, is refused, and nothing of it is kept', async () => {
    const env = await newEnvironment(),
      before = await everythingOf(env.id),
      whole = formOf([csvPart(`email,tenantId\n${'a@example.com,x\n'.repeat(2000)}`)]),
      headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    for (const length of [whole.length - 5, whole.length >> 1, 60, 0])
      expect(
        (await env.vendor('POST', `${url}/csv`, whole.subarray(0, length), { headers })).status,
        String(length),
      ).toBe(400)
    expect((await env.vendor('POST', `${url}/csv`, { csv: 'x' })).status).toBe(415)
    expect((await env.vendor('POST', `${url}/csv`, 'x', { headers: { 'content-type': 'text/csv' } })).status).toBe(415)
    expect((await env.vendor('POST', `${url}/csv`)).status).toBe(415)
    expect(
      (await env.vendor('POST', `${url}/csv`, 'x', { headers: { 'content-type': 'multipart/form-data' } })).status,
    ).toBeLessThan(500)
    expect(await everythingOf(env.id)).toEqual(before)
  })

  test('larger than the server takes is 413, and nothing of it is kept', async () => {
    const env = await newEnvironment(await newServer({ mostImportBytes: 100_000 })),
      before = await everythingOf(env.id),
      row = 'a@example.com,x\n'
    expect((await send(env, [csvPart(`email,tenantId\n${row.repeat(10_000)}`)])).status).toBe(413)
    expect(await everythingOf(env.id)).toEqual(before)
    expect((await send(env, [csvPart(`email,tenantId\n${row.repeat(1000)}`)])).status).toBe(202)
  })

  test('waits sealed until it is imported, and so do its hashes', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      email = `${unique('sealed')}@example.com`
    await send(env, [
      csvPart(`email,tenantId,passwordHash\n${email},${tenantId},SECRETHASH\n`),
      {
        name: 'hashingConfig',
        content: '{"passwordHashType":"firebase-scrypt","passwordHashConfig":{"signerKey":"SIGNERKEY"}}',
      },
    ])
    const text = JSON.stringify(await everythingOf(env.id))
    for (const secret of [email, 'SECRETHASH', 'SIGNERKEY']) expect(text).not.toContain(secret)
    await env.runJobs()
    expect((await everythingOf(env.id))['UserImport']).toMatchObject([{ settings: null }])
  })

  test('is not read before the caller is known', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      form = formOf([csvPart('email,tenantId\na@example.com,x\n')])
    for (const client of [env.anonymous, admin])
      expect((await client('POST', `${url}/csv`, form, { headers })).status).toBe(401)
    expect(await (await env.context()).db.userImport.count({ where: {} })).toBe(0)
  })

  test('that anybody writes is answered, and never with a fault of ours', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    // a generator of its own, so that a failure can be repeated
    let seed = 20261130
    const next = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
      return seed % below
    }
    const pieces = [
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      '\r',
      '\ufeff',
      '\u0000',
      'é',
      '|',
      ';',
      ' ',
      'x',
      '\ud800',
      'a@example.com',
      tenantId,
      '{"a":1}',
    ]
    for (let round = 0; round < 60; round++) {
      const noise = Array.from({ length: 1 + next(40) }, () => pieces[next(pieces.length)]!).join('')
      const content = next(3) ? `email,tenantId,name,metadata\n${noise}` : noise,
        answer = await send(env, [csvPart(content)])
      expect([202, 400], `${JSON.stringify(content)}: ${JSON.stringify(answer.body)}`).toContain(answer.status)
    }
    await env.runJobs()
    const { db } = await env.context()
    expect(await db.userImport.count({ where: { state: { not: 'completed' } } })).toBe(0)
    expect(await db.job.count({ where: {} })).toBe(0)
  })
})

describe('over a connection', () => {
  const open = (token: string, host: URL) =>
    request(new URL(`${url}/csv`, host), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    })

  test('a client that goes away in the middle leaves nothing behind', async () => {
    const env = await newEnvironment(),
      { db } = await env.context(),
      call = open(await env.token({ type: 'vendor', vendorId: env.id, scopes: [] }), new URL(await listening()))
    call.on('error', () => {})
    const whole = formOf([csvPart(`email,tenantId\n${'a@example.com,x\n'.repeat(5000)}`)])
    call.write(whole.subarray(0, whole.length - 200))
    await expect.poll(() => db.userImportPart.count({ where: {} }), { timeout: 10_000 }).toBeGreaterThan(0)
    call.destroy()
    await expect.poll(() => db.userImport.count({ where: {} }), { timeout: 10_000 }).toBe(0)
  })

  test('a file that is refused in its first lines is let through to its end, and the connection goes on', async () => {
    const env = await newEnvironment(),
      token = await env.token({ type: 'vendor', vendorId: env.id, scopes: [] }),
      host = await listening()
    const body = new FormData()
    body.append('csv', new Blob([`nothing,${'x'.repeat(300_000)}\n`, 'a@example.com,x\n'.repeat(500_000)]), 'users.csv')
    const answer = await fetch(`${host}${url}/csv`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body,
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ errors: [expect.stringContaining('line')] })
    expect((await fetch(`${host}/health/live`)).status).toBe(200)
  })

  test('a file is taken in as fast as its rows can be stored, and never held', async () => {
    const env = await newEnvironment(),
      host = await listening(),
      token = await env.token({ type: 'vendor', vendorId: env.id, scopes: [] }),
      { db } = await env.context()
    // nobody can store a row meanwhile
    const blocker = await deps.database.pool.connect()
    const call = open(token, new URL(host))
    const answered = new Promise<number>((resolve, reject) => {
      call.once('response', (response) => resolve(response.resume().statusCode!)).once('error', reject)
    })
    const row = `a@example.com,x,${'y'.repeat(1000)}\n`,
      block = Buffer.from(row.repeat(100))
    let sent = 0
    try {
      await blocker.query('begin')
      await blocker.query('lock table "UserImportPart" in exclusive mode')
      call.write(
        `--${BOUNDARY}\r\ncontent-disposition: form-data; name="csv"; filename="users.csv"\r\n\r\nemail,tenantId,name\n`,
      )
      // until the connection takes no more: Node keeps what is written beyond that on this side
      for (let full = false; !full && sent < 400; sent++) {
        if (!call.write(block))
          full = await Promise.race([
            new Promise<boolean>((resolve) => call.once('drain', () => resolve(false))),
            expect
              .poll(() => call.writableNeedDrain, { timeout: 500, interval: 450 })
              .toBe(false)
              .then(
                () => false,
                () => true,
              ),
          ])
      }
    } finally {
      await blocker.query('rollback')
      blocker.release()
    }
    // of 40 MB far less went out before it stood still
    expect(sent).toBeLessThan(200)
    call.end(`\r\n--${BOUNDARY}--\r\n`)
    expect(await answered).toBe(202)
    expect((await db.userImport.findFirstOrThrow({ where: {} })).total).toBe(sent * 100)
  })
})
