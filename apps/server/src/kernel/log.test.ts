import { describe, expect, test } from 'vitest'
import { logger } from './log.ts'

function written(write: (log: ReturnType<typeof logger>) => void) {
  const lines: string[] = []
  write(
    logger({
      level: 'info',
      pretty: false,
      destination: {
        write: (line) => {
          lines.push(line)
        },
      },
    }),
  )
  return lines.join('')
}

describe('the log', () => {
  test('hides secrets, however deep they lie', () => {
    const text = written((log) =>
      log.info(
        {
          password: 'hush',
          headers: { authorization: 'Bearer hush', cookie: 'hush', 'user-agent': 'seen' },
          list: [{ refreshToken: 'hush', fine: 'seen too' }],
          users: [{ passwordHash: 'hush', passwordHashConfig: '{"signerKey":"hush"}' }, { signerKey: 'hush' }],
        },
        'said',
      ),
    )
    expect(text).not.toContain('hush')
    for (const shown of ['seen', 'seen too', 'said']) expect(text).toContain(shown)
  })

  test("shows an error's kind, message, code and stack, not what a driver attaches to it", () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505', detail: 'Key (email)=(hush)' })
    const error = Object.assign(
      new Error('\nInvalid `user.create()` invocation in\n  data: { password: "hush" }\n\nUnique constraint failed', {
        cause,
      }),
      { name: 'PrismaClientKnownRequestError', code: 'P2002', meta: { row: 'hush' } },
    )
    const text = written((log) => log.error({ err: error }, 'failed'))
    expect(text).not.toContain('hush')
    expect(JSON.parse(text).err).toMatchObject({
      type: 'PrismaClientKnownRequestError',
      message: 'Unique constraint failed',
      code: 'P2002',
      stack: expect.stringContaining('log.test'),
      cause: { message: 'duplicate key', code: '23505' },
    })
  })

  test('leaves the objects that it is given as they are', () => {
    const entry = { deep: { token: 'kept' } }
    written((log) => log.info(entry))
    expect(entry).toEqual({ deep: { token: 'kept' } })
  })
})
