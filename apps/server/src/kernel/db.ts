import type { PrismaClient } from '@henhouse/database'

function unscoped(): never { throw new Error('raw SQL is not scoped to an environment') }

/** The only database handle that an area ever sees: filtered by, and stamped with, one environment. */
export function forVendor(prisma: PrismaClient, vendorId: string) {
  const stamp = (row: object) => ({ ...row, vendorId })
  return prisma.$extends({
    query: {
      $allModels: {
        $allOperations({ operation, args, query }) {
          const a = args as { data?: object | object[], where?: object, create?: object }
          switch (operation) {
            case 'create': return query({ ...a, data: stamp(a.data as object) } as typeof args)
            case 'createMany':
            case 'createManyAndReturn': return query({ ...a, data: [a.data as object[]].flat().map(stamp) } as typeof args)
            case 'upsert': return query({ ...a, where: stamp(a.where ?? {}), create: stamp(a.create ?? {}) } as typeof args)
            default: return query({ ...a, where: stamp(a.where ?? {}) } as typeof args)
          }
        },
      },
      $queryRaw: unscoped, $executeRaw: unscoped, $queryRawUnsafe: unscoped, $executeRawUnsafe: unscoped,
    },
  })
}

type Scoped = ReturnType<typeof forVendor>
/** The environment's own row, what belongs to none, and raw SQL are out of reach. */
export type Db = Omit<Scoped, 'vendor' | 'tally' | '$queryRaw' | '$executeRaw' | '$queryRawUnsafe' | '$executeRawUnsafe' | '$extends' | '$connect' | '$disconnect'>
