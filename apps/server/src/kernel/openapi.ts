import type { TObject } from 'typebox'
import { errors } from './errors.ts'
import { Empty, Raw, Redirect, type Operation } from './operation.ts'

interface Part {
  properties?: Record<string, object>
  required?: string[]
}

const parameters = (schema: TObject | undefined, where: 'path' | 'query') => {
  const { properties = {}, required = [] } = (schema ?? {}) as Part
  return Object.entries(properties).map(([name, s]) => ({
    name,
    in: where,
    required: required.includes(name),
    schema: s,
  }))
}
const context = (name: string, need: string | undefined) =>
  need && need !== 'none' ? [{ name, in: 'header', required: false, schema: { type: 'string' } }] : []

/** Programs and delegates have tokens of their own, which open what is not only for people. */
function securityOf({ auth, people, recentLogin }: Operation) {
  const users = people || recentLogin ? [{ user: [] }] : [{ user: [] }, { apiToken: [] }, { accessToken: [] }]
  return { vendor: [{ vendor: [] }], user: users, both: [{ vendor: [] }, ...users], public: [] }[auth]
}

function describe(op: Operation) {
  const failures = new Map(
    [...(op.errors ?? []), ...(op.limits || op.auth !== 'public' ? [errors.tooMany] : [])].map((e) => [
      e.status,
      e.message || 'Error',
    ]),
  )
  return {
    operationId: op.id,
    summary: op.summary,
    tags: [op.tag],
    ...(op.deprecated && { deprecated: true }),
    security: securityOf(op),
    // what a user token must hold
    ...(op.permission !== undefined && { 'x-permission': op.permission }),
    ...(op.recentLogin && { 'x-recent-login': true }),
    parameters: [
      ...parameters(op.params, 'path'),
      ...parameters(op.query, 'query'),
      ...context('frontegg-tenant-id', op.tenant),
      ...context('frontegg-user-id', op.user),
    ],
    ...(op.body && {
      requestBody: {
        required: true,
        content: {
          'application/json': { schema: op.body },
          ...(op.oauth && { 'application/x-www-form-urlencoded': { schema: op.body } }),
          ...(op.upload !== undefined && {
            'multipart/form-data': {
              schema: { type: 'object', properties: { [op.upload]: { type: 'string', format: 'binary' } } },
            },
          }),
        },
      },
    }),
    ...(op.form && { requestBody: { required: true, content: { 'multipart/form-data': { schema: op.form } } } }),
    responses: Object.fromEntries([
      ...Object.entries(op.returns).map(([status, schema]): [string, unknown] => [
        status,
        schema === Empty
          ? { description: 'Done; no body' }
          : schema === Redirect
            ? { description: 'Done; go on there', headers: { location: { schema: { type: 'string' } } } }
            : { description: 'Done', content: { [schema === Raw ? '*/*' : 'application/json']: { schema } } },
      ]),
      ...[...failures].map(([status, description]): [string, unknown] => [String(status), { description }]),
    ]),
  }
}

/** The document that the server publishes, derived from the declarations that it runs on. */
export function openapi(operations: readonly Operation[]) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const op of operations.toSorted(byPath)) (paths[op.path] ??= {})[op.method.toLowerCase()] = describe(op)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Henhouse',
      version: '0.2.0',
      description: 'A self-hosted identity server that speaks the Frontegg identity API.',
    },
    components: {
      securitySchemes: {
        vendor: { type: 'http', scheme: 'bearer', description: 'Environment token of POST /auth/vendor' },
        user: { type: 'http', scheme: 'bearer', description: 'User token of a login' },
        apiToken: { type: 'http', scheme: 'bearer', description: 'Token of a program, for its client id and secret' },
        accessToken: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'Lasting token of a program' },
      },
    },
    paths,
  }
}

/** The document as openapi.json holds it. */
export const openapiText = (operations: readonly Operation[]) => `${JSON.stringify(openapi(operations), null, 2)}\n`

/** Sorted by path, so that the file changes only when the API does, not with the order of the areas. */
const byPath = (a: Operation, b: Operation) => compare(a.path, b.path) || compare(a.method, b.method)
const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b))
