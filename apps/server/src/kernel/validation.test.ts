import { Type, type TObject, type TSchema } from 'typebox'
import { describe, expect, test } from 'vitest'
import { operation } from './operation.ts'
import { setting } from './settings.ts'
import {
  DateTime,
  faults,
  fits,
  fromQuery,
  isTooMuchJson,
  Json,
  Metadata,
  MetadataText,
  Name,
  Nullable,
  OneOf,
  tidy,
} from './validation.ts'

const schema = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 5 }),
  email: Type.Optional(Type.String({ format: 'email' })),
  active: Type.Optional(Type.Boolean()),
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
  kind: Type.Optional(OneOf(['a', 'b'])),
  parent: Nullable(Type.String()),
  users: Type.Optional(Type.Array(Type.Object({ email: Type.String({ format: 'email' }) }))),
  userIds: Type.Optional(Type.Array(Type.String())),
  when: Type.Optional(DateTime),
})

describe('validation', () => {
  test('says every fault in the words that clients know', () => {
    const bad = {
      name: '',
      email: 'x',
      active: 'yes',
      count: 10,
      kind: 'c',
      parent: 7,
      users: [{ email: 1 }, { email: 'no' }],
      userIds: ['a', 2],
      when: 'tomorrow',
    }
    expect(faults(schema as object, bad)).toEqual([
      'name should not be empty',
      'email must be an email',
      'active must be a boolean value',
      'count must not be greater than 9',
      'kind must be one of the following values: a, b',
      'parent must be a string',
      'users.0.email must be a string',
      'users.1.email must be an email',
      'each value in userIds must be a string',
      'when must be a valid ISO 8601 date string',
    ])
    expect(faults(schema as object, {})).toEqual([
      'name should not be empty',
      'name must be a string',
      'parent must be a string',
    ])
    expect(faults(schema as object, { name: 'toolong', parent: null })).toEqual([
      'name must be shorter than or equal to 5 characters',
    ])
  })

  test('looks at bounds before contents, and stops at twenty faults', () => {
    const looked: unknown[] = []
    const item = () =>
      new Proxy(
        {},
        {
          get: (_, name) => void looked.push(name),
          has: (_, name) => looked.push(name) > 0,
          getOwnPropertyDescriptor: (_, name) => void looked.push(name),
        },
      )
    const list = Type.Array(Type.Object({ name: Name, key: Name }), { maxItems: 100 })
    const tooLong = Array.from({ length: 101 }, item)
    expect(faults(list as object, tidy(list as object, tooLong))).toEqual([
      'body must contain no more than 100 elements',
    ])
    expect(looked).toEqual([])
    expect(faults(list as object, Array.from({ length: 100 }, item))).toHaveLength(20)
    // two fields of five entries, each with two faults, and nothing after them
    expect(looked).toHaveLength(10)

    const slow = Type.String({ maxLength: 30, pattern: '^(a+)+$' })
    expect(faults(slow as object, `${'a'.repeat(31)}!`, 'text')).toEqual([
      'text must be shorter than or equal to 30 characters',
    ])
  })

  test('weighs what has no fields of its own', () => {
    const body = Type.Object({
      any: Type.Optional(Json),
      text: Type.Optional(MetadataText),
      own: Type.Optional(Metadata),
    })
    const fault = (name: string) => [`${name} must be shorter than or equal to 16384 bytes`]
    expect(faults(body as object, { any: ['x'.repeat(16_380)], text: 'x'.repeat(16_384), own: { a: 1 } })).toEqual([])
    expect(faults(body as object, { any: ['x'.repeat(16_381)] })).toEqual(fault('any'))
    expect(faults(body as object, { own: { a: 'é'.repeat(8200) } })).toEqual(fault('own'))
    expect(faults(body as object, { text: '€'.repeat(6000) })).toEqual(fault('text'))
    expect(faults(body as object, { text: 'x'.repeat(16_385) })).toEqual([
      'text must be shorter than or equal to 16384 characters',
    ])
  })

  test('tells too much JSON before it is parsed', () => {
    const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`
    expect(isTooMuchJson(nested(100))).toBe(false)
    expect(isTooMuchJson(nested(102))).toBe(true)
    expect(isTooMuchJson('['.repeat(101))).toBe(true)
    const list = (values: number) => `[${Array<string>(values).fill('0').join(',')}]`
    expect(isTooMuchJson(list(100_000))).toBe(false)
    expect(isTooMuchJson(list(100_001))).toBe(true)
    expect(isTooMuchJson(`[${'{},'.repeat(60_000)}{}]`)).toBe(true)
    expect(isTooMuchJson(JSON.stringify({ text: '[{,"\\'.repeat(100_000) }))).toBe(false)
    expect(isTooMuchJson('"')).toBe(false)
  })

  test('agrees with the compiled schema', () => {
    const values = [
      { name: 'a', parent: null },
      { name: '', parent: null },
      { name: 'a' },
      { name: 'a', parent: 'p', users: [{}] },
      { name: 'a', parent: 'p', kind: 'b', count: 1.5 },
      7,
      null,
      [],
    ]
    for (const value of values)
      expect(faults(schema as object, value).length === 0, JSON.stringify(value)).toBe(fits(schema, value))
  })

  test('drops what is not declared, and nulls for what is optional', () => {
    expect(
      tidy(schema as object, { name: 'a', parent: null, email: null, extra: 1, users: [{ email: 'e@x.yz', more: 1 }] }),
    ).toEqual({ name: 'a', parent: null, users: [{ email: 'e@x.yz' }] })
    const open = Type.Object({ any: Type.Record(Type.String(), Type.Unknown()), free: Type.Unknown() })
    expect(tidy(open as object, { any: { deep: { x: null } }, free: null })).toEqual({
      any: { deep: { x: null } },
      free: null,
    })
  })

  test('reads numbers, booleans and lists from query strings, and leaves what they are not', () => {
    const query = Type.Object({
      n: Type.Optional(Type.Integer()),
      b: Type.Optional(Type.Boolean()),
      ids: Type.Optional(Type.Array(Type.String())),
      text: Type.Optional(Type.String()),
    })
    expect(fromQuery(query as object, { n: '7', b: 'false', ids: ['a,b', 'c'], text: '12', other: 'x' })).toEqual({
      n: 7,
      b: false,
      ids: ['a', 'b', 'c'],
      text: '12',
    })
    expect(fromQuery(query as object, { n: 'seven', b: '', 'ids[]': 'a' })).toEqual({ n: 'seven', ids: ['a'] })
  })

  test.each([
    ['exclusiveMinimum', Type.Number({ exclusiveMinimum: 0 })],
    ['multipleOf', Type.Integer({ multipleOf: 5 })],
    ['uniqueItems', Type.Array(Type.String(), { uniqueItems: true })],
    ['minProperties', Type.Object({}, { minProperties: 1 })],
    ['minimum', Type.String({ minimum: 1 })],
    ['maxLength', Type.Union([Type.String(), Type.Null()], { maxLength: 5 })],
    ['allOf', Type.Intersect([Type.Object({}), Type.Object({})])],
    ['patternProperties', Type.Record(Type.String(), Type.Number())],
    ['additionalProperties', Type.Object({}, { additionalProperties: Type.Number() })],
    ['additionalProperties', Type.Object({}, { additionalProperties: false })],
    ['format ipv4', Type.String({ format: 'ipv4' })],
    ['type bigint', Type.BigInt()],
    ['discriminator', Type.Union([Type.Object({ kind: Type.String() })], { discriminator: { propertyName: 'kind' } })],
  ])('refuses a schema that demands what is not checked: %s', (keyword, faulty) => {
    const declare = (parts: { params?: TObject; query?: TObject; body?: TSchema }) =>
      operation({
        id: 'changeThingV1',
        method: 'POST',
        path: '/things',
        summary: 'Change a thing',
        tag: 'Things',
        auth: 'vendor',
        returns: { 200: Type.Null() },
        handler: () => null,
        ...parts,
      })
    const parts = Type.Object({ part: Type.Optional(faulty) }),
      fault = `: ${keyword}`
    expect(() => declare({ params: parts })).toThrow(`changeThingV1: params.part${fault}`)
    expect(() => declare({ query: parts })).toThrow(`changeThingV1: query.part${fault}`)
    expect(() => declare({ body: Type.Array(parts) })).toThrow(`changeThingV1: body[].part${fault}`)
    expect(() => declare({ body: Nullable(parts) })).toThrow(`changeThingV1: body.part${fault}`)
    expect(() => setting('things', parts, {})).toThrow(`setting things.part${fault}`)
  })

  test('takes every schema that it checks whole, and notes for readers', () => {
    const notes = { title: 'T', description: 'D', default: 'a', examples: ['b'], deprecated: true }
    const open = Type.Object({ any: Type.Record(Type.String(), Type.Unknown()) }, { additionalProperties: true })
    expect(() =>
      setting('things', Type.Object({ ...schema.properties, open, text: Type.String(notes) }), {} as never),
    ).not.toThrow()
  })
})
