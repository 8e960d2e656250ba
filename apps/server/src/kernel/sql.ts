/**
 * A statement beside its service, in an `x.sql.ts`: text, and the types of its values and rows. `$1` is always the
 * environment; the values follow from `$2` on. Counts are cast to `int`, as a bigint would arrive as text.
 */
export interface Statement<Row extends object, Values extends readonly unknown[]> {
  /** connections keep it prepared under this name */
  readonly name: string
  readonly text: string
  /**
   * Has Postgres plan it for the values of each call: for what finds few rows with some values and very many with others. A
   * prepared one is soon planned for the average, and then takes ten times as long for a tenant of very many members.
   */
  readonly planEachTime?: boolean
  /** types only */
  readonly types?: { readonly row: Row; readonly values: Values }
}

const declared = new Map<string, string>()
/** All statements of the loaded modules: a test reads them. */
export const declaredStatements: ReadonlyMap<string, string> = declared

/** @throws when another text already has the name */
export function statement<Row extends object, Values extends readonly unknown[] = []>(
  name: string,
  text: string,
  { planEachTime = false }: Pick<Statement<Row, Values>, 'planEachTime'> = {},
): Statement<Row, Values> {
  const known = declared.get(name)
  if (known !== undefined && known !== text) throw new Error(`two statements have the name ${name}`)
  // Postgres cuts longer names, so that two could become one
  if (name.length > 63) throw new Error(`the name of the statement ${name} is longer than 63 characters`)
  if (!/\$1\b/.test(text)) throw new Error(`the statement ${name} does not say which environment it is about ($1)`)
  declared.set(name, text)
  return { name, text, planEachTime }
}

/** Runs a statement for one environment, in the context's transaction if there is one. */
export type Sql = <Row extends object, Values extends readonly unknown[]>(
  statement: Statement<Row, Values>,
  ...values: Values
) => Promise<Row[]>
