import { accept, isForeign, type ForeignPassword } from '@henhouse/foreign-hashes'
import { createHash, pbkdf2Sync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'

const users = '/identity/resources/users/v1',
  login = '/identity/resources/auth/v1/user',
  settings = '/identity/resources/configurations/v1',
  trial = '/identity/resources/vendor-only/users/v1/passwords/verify'
const OLD = 'Old-henhouse-1',
  NEW = 'New-henhouse-2'

const sha256 = (password: string): ForeignPassword => ({
  type: 'sha256',
  hash: `salt:${createHash('sha256').update(`salt${password}`).digest('hex')}`,
})
const pbkdf2 = (password: string): ForeignPassword => ({
  type: 'pbkdf2',
  hash: `pbkdf2_sha256$1000$salt$${pbkdf2Sync(password, 'salt', 1000, 32, 'sha256').toString('base64')}`,
})

function storedOf(password: ForeignPassword) {
  const accepted = accept(password)
  if ('fault' in accepted) throw new Error(accepted.fault)
  return accepted.stored
}
/** A user with the hash that an import would have stored. */
async function imported(env: TestEnvironment, password: ForeignPassword) {
  const user = await env.newUser(),
    passwordHash = storedOf(password)
  await (await env.context()).db.user.update({ where: { id: user.id }, data: { passwordHash } })
  return { ...user, passwordHash }
}
const hashOf = async (env: TestEnvironment, id: string) =>
  (await (await env.context()).db.user.findUniqueOrThrow({ where: { id }, select: { passwordHash: true } }))
    .passwordHash!
const logIn = (env: TestEnvironment, email: string, password: string) =>
  env.anonymous('POST', login, { email, password })
const isOurs = (hash: string) => hash.startsWith('$argon2id$') && !deps.passwords.needsRehash(hash)

describe.concurrent('a user with an imported hash', () => {
  const vectors: [string, ForeignPassword, string][] = [
    ['bcrypt', { type: 'bcrypt', hash: '$2y$10$wisIVhmjWjm/lkujDJVAXuuYDXiGU/c9HK3mMzqFbfk45PXA527ui' }, 'test'],
    [
      'argon2 with a short digest',
      { type: 'argon2', hash: '$argon2id$v=19$m=16,t=2,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A' },
      'testPass123',
    ],
    ['PBKDF2', pbkdf2(OLD), OLD],
    ['SHA-256', sha256(OLD), OLD],
    [
      'scrypt of Firebase',
      {
        type: 'firebase-scrypt',
        hash: 'lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ',
        config: {
          salt: '42xEC-ixf3L2lw',
          signerKey: 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==',
          ...{ saltSeparator: 'Bw==', rounds: 8, memCost: 14 },
        },
      },
      'user1password',
    ],
  ]
  test.for(vectors)('of %s logs in once, and has argon2id then', async ([, foreign, password]) => {
    const env = await newEnvironment(),
      { id, email, passwordHash } = await imported(env, foreign)
    expect(await logIn(env, email, `${password}!`)).toMatchObject({ status: 401, body: { errorCode: 'ER-01078' } })
    expect(await hashOf(env, id)).toBe(passwordHash)
    expect((await logIn(env, email, password)).status).toBe(200)
    const upgraded = await hashOf(env, id)
    expect(isOurs(upgraded)).toBe(true)
    expect((await logIn(env, email, `${password}!`)).status).toBe(401)
    expect((await logIn(env, email, password)).status).toBe(200)
    expect(await hashOf(env, id)).toBe(upgraded)
  })

  test('logs in eight times at once, and has one new hash', async () => {
    const env = await newEnvironment(),
      { id, email } = await imported(env, sha256(OLD))
    const answers = await Promise.all(Array.from({ length: 8 }, () => logIn(env, email, OLD)))
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200))
    expect(isOurs(await hashOf(env, id))).toBe(true)
    expect((await logIn(env, email, OLD)).status).toBe(200)
    expect((await logIn(env, email, NEW)).status).toBe(401)
  })

  test('types more than the 72 bytes that bcrypt sees once: from then on all of it counts', async () => {
    const env = await newEnvironment(),
      seen = 'a'.repeat(72),
      { email } = await imported(env, {
        type: 'bcrypt',
        hash: '$2b$04$bPYJS3q/miaVhVYDETdHteVqxnq1dGRY4d4G2yqcBveQvw5LoN7Le',
      })
    expect((await logIn(env, email, `${seen}tail`)).status).toBe(200)
    for (const other of [seen, `${seen}tai`, `${seen}tails`]) expect((await logIn(env, email, other)).status).toBe(401)
    expect((await logIn(env, email, `${seen}tail`)).status).toBe(200)
  })

  test('types letters as another keyboard composes them, before the upgrade and after', async () => {
    const env = await newEnvironment(),
      decomposed = 'Cafe\u0301-Horse-7'
    const { email } = await imported(env, {
      type: 'bcrypt',
      hash: '$2b$04$AKWDtWeWhq3b/02.bBR4Ier0dPsZB3w.GzxmJcqWw5bVFc4tg.crq',
    })
    expect((await logIn(env, email, decomposed.normalize('NFC'))).status).toBe(200)
    expect((await logIn(env, email, decomposed)).status).toBe(200)
    expect((await logIn(env, email, decomposed.normalize('NFC'))).status).toBe(200)
  })

  test('changes the password with the imported one, and does not get it back where a policy forbids that', async () => {
    const env = await newEnvironment(),
      { id, email, tenantId } = await imported(env, pbkdf2(OLD))
    await env.vendor('POST', `${settings}/password-history-policy`, { enabled: true, historySize: 3 })
    const call = await env.asUser({ id, tenantId }),
      change = (password: string, newPassword: string) =>
        call('POST', `${users}/passwords/change`, { password, newPassword })
    expect((await change(NEW, 'Third-henhouse-3')).status).toBe(400)
    expect((await change(OLD, OLD)).status).toBe(400)
    expect((await change(OLD, NEW)).status).toBe(201)
    expect((await change(NEW, OLD)).status).toBe(400)
    expect((await logIn(env, email, OLD)).status).toBe(401)
    expect((await logIn(env, email, NEW)).status).toBe(200)
    const rows = await (await env.context()).db.passwordHistory.findMany({ where: { userId: id } })
    expect(rows.map((row) => isOurs(row.hash))).toEqual([true])
  })

  test('resets a password that nobody typed here, and does not get it back where a policy forbids that', async () => {
    const env = await newEnvironment(),
      { id, email, passwordHash } = await imported(env, sha256(OLD))
    await env.vendor('POST', `${settings}/password-history-policy`, { enabled: true, historySize: 3 })
    const reset = async (password: string) => {
      const { token } = (await env.vendor('POST', `${users}/${id}/links/generate-password-reset-token`)).body
      return (await env.anonymous('POST', `${users}/passwords/reset/verify`, { userId: id, token, password })).status
    }
    expect(await reset(OLD)).toBe(400)
    expect(await reset(NEW)).toBe(201)
    const rows = await (await env.context()).db.passwordHistory.findMany({ where: { userId: id } })
    expect(rows.map((row) => row.hash)).toEqual([passwordHash])
    expect(await reset(OLD)).toBe(400)
    expect((await logIn(env, email, NEW)).status).toBe(200)
  })

  test('has argon2id also after the environment has tried the password', async () => {
    const env = await newEnvironment(),
      { id, email } = await imported(env, sha256(OLD))
    expect((await env.vendor('POST', trial, { email, password: NEW })).body).toEqual({ valid: false })
    expect(isForeign(await hashOf(env, id))).toBe(true)
    expect((await env.vendor('POST', trial, { email, password: OLD })).body).toEqual({ valid: true })
    expect(isOurs(await hashOf(env, id))).toBe(true)
  })

  test('is locked by as many guesses as any other', async () => {
    const env = await newEnvironment(),
      { email } = await imported(env, sha256(OLD))
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 3 })
    for (let guess = 0; guess < 3; guess++) expect((await logIn(env, email, NEW)).status).toBe(401)
    expect((await logIn(env, email, OLD)).status).toBe(423)
  })
})

/** Runs once, after a password has been compared and before anything is written. */
const meanwhile = new Map<string, () => Promise<unknown>>()
const slow = await newServer({
  passwords: {
    ...deps.passwords,
    async verify(hash, password) {
      const right = await deps.passwords.verify(hash, password),
        happens = meanwhile.get(password)
      meanwhile.delete(password)
      await happens?.()
      return right
    },
  },
})

describe.concurrent('while an imported hash is compared', () => {
  test('another login replaces it, and the password can still be changed', async () => {
    const env = await newEnvironment(slow),
      password = unique('Henhouse-1!'),
      { id, email, tenantId } = await imported(env, sha256(password)),
      call = await env.asUser({ id, tenantId })
    meanwhile.set(password, async () => expect((await logIn(env, email, password)).status).toBe(200))
    expect((await call('POST', `${users}/passwords/change`, { password, newPassword: NEW })).status).toBe(201)
    expect(meanwhile.has(password)).toBe(false)
    expect((await logIn(env, email, NEW)).status).toBe(200)
    expect((await logIn(env, email, password)).status).toBe(401)
  })

  test('a new password stays, and the old one opens nothing', async () => {
    const env = await newEnvironment(slow),
      password = unique('Henhouse-1!'),
      { id, email } = await imported(env, sha256(password)),
      hash = await deps.passwords.hash(NEW)
    meanwhile.set(password, async () =>
      (await env.context()).db.user.update({
        where: { id },
        data: { passwordHash: hash, passwordChangedAt: new Date() },
      }),
    )
    expect(await logIn(env, email, password)).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01078' },
      cookies: [],
    })
    expect(await hashOf(env, id)).toBe(hash)
    expect((await logIn(env, email, NEW)).status).toBe(200)
  })
})
