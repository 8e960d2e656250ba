import { writeFileSync } from 'node:fs'
import { openapiText } from '../kernel/openapi.ts'
import { operations } from '../operations.ts'

// openapi.json is committed, so that people can read the API without starting anything
writeFileSync(new URL('../../../../openapi.json', import.meta.url), openapiText(operations))
