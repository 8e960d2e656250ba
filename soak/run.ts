// npm run soak -- [--seconds=60] [--seed=1]: kills servers and connections to the database under load, and counts what was
// acknowledged. What is wrong names its seed.
import { parseArgs } from 'node:util'
import { soak, type Report } from './soak.ts'
import { postgres } from './world.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
const seed = Number(values.seed ?? Date.now() % 1e9),
  seconds = Number(values.seconds ?? 60)

function print({ rows, blows, answers, faults }: Report) {
  const line = (what: string, ...numbers: (number | string)[]) =>
    console.log(what.padEnd(32) + numbers.map((number) => String(number).padStart(14)).join(''))
  line(`seed ${seed}, ${seconds} s`, 'acknowledged', 'kept')
  for (const { what, acknowledged, kept } of rows) line(what, acknowledged, kept)
  for (const [title, counts] of [
    ['broken', blows],
    ['answers', answers],
  ] as const)
    console.log(`${title}: ${[...counts].map(([what, number]) => `${what} ${number}`).join(', ')}`)
  for (const { what, detail } of faults.slice(0, 30)) console.error(what, detail ?? '')
  if (faults.length) console.error(`${faults.length} faults: npm run soak -- --seed=${seed} --seconds=${seconds}`)
}

const place = await postgres()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void place.stop().finally(() => process.exit(130)))
let failed = true
try {
  const report = await soak(place, { seed, seconds })
  print(report)
  failed = report.faults.length > 0
} catch (error) {
  console.error(error)
} finally {
  await place.stop()
}
// clients may still be at work if it could not go on
process.exit(Number(failed))
