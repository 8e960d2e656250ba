// The server as production runs it, on the bench's database.
import { openDatabase } from '@henhouse/database'
import { passwordHasher } from '@henhouse/passwords'
import { pino } from 'pino'
import { startWorker } from '../apps/server/src/kernel/jobs.ts'
import { hearOthers } from '../apps/server/src/kernel/memory.ts'
import { buildServer } from '../apps/server/src/server.ts'
import { benchDeps, HASH } from './deps.ts'
import type { Fixture } from './fixture.ts'

const { databaseUrl, jobs } = JSON.parse(process.env['BENCH_FIXTURE']!) as Fixture & { jobs?: boolean }
const deps = benchDeps(openDatabase(databaseUrl, { max: 10 }), passwordHasher(HASH), pino({ level: 'fatal' })),
  server = await buildServer(deps)
hearOthers(deps)
await server.http.listen({ port: Number(process.env['BENCH_PORT']), host: '127.0.0.1' })
if (jobs) startWorker(server.worker)
process.send?.('ready')
// ends with the bench
process.once('disconnect', () => process.exit())
