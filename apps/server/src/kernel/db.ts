import type { PrismaClient } from '@henhouse/database'

function unscoped(): never {
  throw new Error('raw SQL is not scoped to an environment')
}

/**
 * The first argument of the kernel's own raw SQL: it marks a statement that the kernel has limited to one environment.
 */
export const scoped = Symbol('scoped')

type Attempt = <T>(work: () => Promise<T>) => Promise<T>

/**
 * The only database handle that areas see. It filters by one environment and stamps it on every row. `attempt` runs
 * each operation.
 */
export function forVendor(prisma: PrismaClient, vendorId: string, attempt: Attempt = (work) => work()) {
  const stamp = (row: object) => ({ ...row, vendorId })
  return prisma.$extends({
    query: {
      $allModels: {
        $allOperations({ operation, args, query }) {
          const a = args as { data?: object | object[]; where?: object; create?: object },
            run = (scoped: object) => attempt(() => query({ ...a, ...scoped }))
          switch (operation) {
            case 'create':
              return run({ data: stamp(a.data as object) })
            case 'createMany':
            case 'createManyAndReturn':
              return run({ data: [a.data as object[]].flat().map(stamp) })
            case 'upsert':
              return run({ where: stamp(a.where ?? {}), create: stamp(a.create ?? {}) })
            default:
              return run({ where: stamp(a.where ?? {}) })
          }
        },
      },
      $queryRaw: unscoped,
      $executeRaw: unscoped,
      $queryRawUnsafe({ args, query }) {
        const [first, ...rest] = args as unknown[]
        return first === scoped ? query(rest as never) : unscoped()
      },
      $executeRawUnsafe: unscoped,
    },
  })
}

type Scoped = ReturnType<typeof forVendor>
/** Without the environment's own row, tables that belong to no environment, and raw SQL. */
export type Db = Omit<
  Scoped,
  | 'vendor'
  | 'tally'
  | '$queryRaw'
  | '$executeRaw'
  | '$queryRawUnsafe'
  | '$executeRawUnsafe'
  | '$extends'
  | '$connect'
  | '$disconnect'
>
