import { openapi } from '../kernel/openapi.ts'
import { operations } from '../operations.ts'

process.stdout.write(`${JSON.stringify(openapi(operations), null, 2)}\n`)
