import type { Static, TSchema } from 'typebox'
import { faults, tidy } from '../kernel/validation.ts'

interface Shape {
  type?: string
  properties?: Record<string, Shape>
  items?: Shape
  additionalProperties?: unknown
}

/**
 * Reads what a person has written. Unlike in the API's input, an unknown field is a fault, because it is probably a
 * typo.
 * Every fault begins with its path.
 */
export function read<S extends TSchema>(schema: S, value: unknown): { value: Static<S>; faults: string[] } {
  const tidied = tidy(schema, value)
  return {
    value: tidied as Static<S>,
    faults: [...unknownFields(schema, value), ...faults(schema, tidied)],
  }
}

function unknownFields(schema: Shape, value: unknown, path = ''): string[] {
  const inside = (name: string | number) => (path ? `${path}.${name}` : String(name))
  if (Array.isArray(value))
    return schema.items ? value.flatMap((item, index) => unknownFields(schema.items!, item, inside(index))) : []
  if (typeof value !== 'object' || value === null || !schema.properties) return []
  const { properties } = schema
  return Object.entries(value).flatMap(([name, part]) => {
    if (Object.hasOwn(properties, name)) return unknownFields(properties[name]!, part, inside(name))
    return schema.additionalProperties
      ? []
      : [`${inside(name)} is unknown: expected one of ${Object.keys(properties).join(', ')}`]
  })
}
