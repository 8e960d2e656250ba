import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const require = createRequire(import.meta.url)

/** The part of TypeScript's library that the client's declarations need; the whole library takes seconds to read. */
const LIBRARY = `
interface Array<T> { readonly length: number, [index: number]: T }
interface ReadonlyArray<T> { readonly length: number, readonly [index: number]: T }
interface Promise<T> { then<R>(onFulfilled: (value: T) => R): Promise<R> }
interface Date { getTime(): number }
interface Boolean {} interface Function {} interface CallableFunction {} interface NewableFunction {} interface IArguments {} interface Number {} interface Object {} interface RegExp {} interface String {}
type Partial<T> = { [K in keyof T]?: T[K] }
type Required<T> = { [K in keyof T]-?: T[K] }
type Pick<T, K extends keyof T> = { [P in K]: T[P] }
type Exclude<T, U> = T extends U ? never : T
type Omit<T, K extends keyof any> = Pick<T, Exclude<keyof T, K>>
type Record<K extends keyof any, T> = { [P in K]: T }
`

type Api = (name: string, method: string) => ts.Type
let reader: { checker: ts.TypeChecker; resultOf: Api } | undefined

/** The result types that `@frontegg/rest-api` declares for its calls; read once, when first needed. */
function declared() {
  if (reader) return reader
  const index = join(dirname(require.resolve('@frontegg/rest-api/package.json')), 'index.d.ts')
  const options: ts.CompilerOptions = {
    strict: true,
    noLib: true,
    noEmit: true,
    types: [],
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    module: ts.ModuleKind.ESNext,
  }
  const host = ts.createCompilerHost(options),
    library = join(dirname(index), 'library.d.ts')
  const { getSourceFile, fileExists } = host
  host.getSourceFile = (name, ...more) =>
    name === library
      ? ts.createSourceFile(name, LIBRARY, ts.ScriptTarget.ESNext)
      : getSourceFile.call(host, name, ...more)
  host.fileExists = (name) => name === library || fileExists.call(host, name)
  const program = ts.createProgram([library, index], options, host)
  const checker = program.getTypeChecker(),
    source = program.getSourceFile(index)!
  const client = checker
    .getExportsOfModule(checker.getSymbolAtLocation(source)!)
    .find((one) => one.name === 'FronteggApiClient')!
  const of = (type: ts.Type, name: string) => {
    const property = checker.getPropertyOfType(type, name)
    if (!property) throw new Error(`the client has no ${name}`)
    return checker.getTypeOfSymbolAtLocation(property, source)
  }
  const resultOf = (api: string, method: string) => {
    const [signature] = of(of(checker.getDeclaredTypeOfSymbol(client), api), method).getCallSignatures()
    return checker.getAwaitedType(signature!.getReturnType())!
  }
  return (reader = { checker, resultOf })
}

/** The faults of a call's result against the client's declaration: `user.roles.0.key is missing`. */
export function faultsOfResult(api: string, method: string, value: unknown): string[] {
  const { checker, resultOf } = declared(),
    faults: string[] = []
  check(checker, resultOf(api, method), value, '', faults)
  return faults
}

const { TypeFlags } = ts
const FREE = TypeFlags.Any | TypeFlags.Unknown | TypeFlags.Void | TypeFlags.Undefined | TypeFlags.Never

function check(checker: ts.TypeChecker, type: ts.Type, value: unknown, at: string, faults: string[]): void {
  if (type.flags & FREE) return
  const wrong = () => {
    faults.push(`${at || 'it'} is ${JSON.stringify(value)?.slice(0, 80)}, no ${checker.typeToString(type)}`)
  }
  if (type.isUnion()) {
    const fits = type.types.some((one) => {
      const own: string[] = []
      check(checker, one, value, at, own)
      return !own.length
    })
    return fits ? undefined : wrong()
  }
  if (type.isLiteral()) return type.value === value ? undefined : wrong()
  if (type.flags & TypeFlags.BooleanLiteral) return String(value) === checker.typeToString(type) ? undefined : wrong()
  if (type.flags & TypeFlags.Null) return value === null ? undefined : wrong()
  const primitive =
    type.flags & TypeFlags.StringLike
      ? 'string'
      : type.flags & TypeFlags.NumberLike
        ? 'number'
        : type.flags & TypeFlags.BooleanLike
          ? 'boolean'
          : undefined
  if (primitive) return typeof value === primitive ? undefined : wrong()
  // JSON has no dates
  if (type.symbol?.name === 'Date')
    return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? undefined : wrong()
  if (checker.isArrayType(type)) {
    if (!Array.isArray(value)) return wrong()
    const [item] = checker.getTypeArguments(type as ts.TypeReference)
    return value.forEach((one, index) => check(checker, item!, one, join2(at, index), faults))
  }
  if (typeof value !== 'object' || value === null) return wrong()
  fields(checker, type, value as Record<string, unknown>, at, faults)
}

const join2 = (at: string, name: string | number) => (at ? `${at}.${name}` : `${name}`)

function fields(checker: ts.TypeChecker, type: ts.Type, value: Record<string, unknown>, at: string, faults: string[]) {
  const properties = checker.getPropertiesOfType(type)
  // the client declares one type for a login's answer and the profile that it fetches with the token; without a token there is no profile
  const isPart = properties.some(({ name }) => name === 'mfaRequired') && value['tenantIds'] === undefined
  for (const property of properties) {
    const given = value[property.name]
    if (given === undefined || given === null) {
      if (!isPart && !(property.flags & ts.SymbolFlags.Optional) && !isNullable(checker, property))
        faults.push(`${join2(at, property.name)} is missing`)
    } else {
      check(checker, checker.getTypeOfSymbol(property), given, join2(at, property.name), faults)
    }
  }
}

function isNullable(checker: ts.TypeChecker, property: ts.Symbol) {
  const type = checker.getTypeOfSymbol(property)
  return [type, ...(type.isUnion() ? type.types : [])].some(({ flags }) => flags & (FREE | TypeFlags.Null))
}
