import { BinaryArrays, type ElementType } from './binary-array.ts'

/** A column that a statement writes: how its values are sent, and what the statement makes of them. */
export interface Column<Row> {
  /** The SQL type that its values are sent as. */
  readonly sentAs: ElementType
  readonly value: (row: Row) => unknown
  /** The SQL expression of the column's value, from that of what was sent. */
  readonly toSql: (sent: string) => string
}

/** The columns of a row, by name. The order of their parameters in a statement is the order of this record. */
export type Columns<Row> = Readonly<Record<string, Column<Row>>>

type Read<Row, Value> = (row: Row) => Value | null

export const bigint = <Row>(value: Read<Row, bigint | number>) => sent('bigint', value)
export const bool = <Row>(value: Read<Row, boolean>) => sent('bool', value)
export const float = <Row>(value: Read<Row, number>) => sent('float8', value)
export const int = <Row>(value: Read<Row, number>) => sent('int', value)
export const text = <Row>(value: Read<Row, string>) => sent('text', value)
export const uuid = <Row>(value: Read<Row, string>) => sent('uuid', value)

/** An instant in milliseconds since 1970. */
export const instant = <Row>(value: Read<Row, number>) =>
  sent('float8', value, (milliseconds) => `to_timestamp(${milliseconds} / 1000)`)

/** JSON text, which is stored as it is. */
export const jsonText = <Row>(value: Read<Row, string>) => sent('text', value, (json) => `${json}::json`)

/** A value that is stored as JSON. */
export const json = <Row>(value: Read<Row, object>) =>
  jsonText((row: Row) => {
    const object = value(row)
    return object && JSON.stringify(object)
  })

function sent<Row>(
  sentAs: Column<Row>['sentAs'],
  value: Column<Row>['value'],
  toSql: Column<Row>['toSql'] = (value) => value,
): Column<Row> {
  return { sentAs, value, toSql }
}

/** Returns the next parameter of a statement, as a value of that SQL type. */
export type Parameter = (type: string) => string

/** Numbers the parameters of a statement. */
export function parameters(): Parameter {
  let count = 0
  return (type) => `$${++count}::${type}`
}

/**
 * Numbers the parameters of a statement with lists, and hides from the planner how long the lists are. Postgres plans a prepared statement once if
 * the general plan seems to cost no more than a plan for the values at hand. A planner that knows that a list has one element expects
 * fewer rows than in general, and plans the statement for each execution.
 */
export function parametersOfAnyLength(): Parameter {
  const next = parameters()
  let isFirst = true
  return (type) => {
    const parameter = isFirst ? `(SELECT ${next(type)})` : next(type)
    isFirst = false
    return parameter
  }
}

/** Selects rows that are sent as one list per column. */
export function selectLists(columns: Columns<never>, parameter: Parameter): string {
  const lists = Object.values(columns).map(({ sentAs }) => parameter(`${sentAs}[]`))
  return `SELECT ${selected(columns, (_, name) => `sent.${name}`)}
    FROM unnest(${lists.join(', ')}) AS sent(${Object.keys(columns).join(', ')})`
}

/** Selects one row that is sent as plain values. */
export function selectValues(columns: Columns<never>, parameter: Parameter): string {
  return `SELECT ${selected(columns, ({ sentAs }) => parameter(sentAs))}`
}

/** The parameters of `selectLists`. */
export function listValues<Row>(columns: Columns<Row>, rows: readonly Row[]): readonly Buffer[] {
  const lists = new BinaryArrays(Object.keys(columns).length * rows.length)
  addLists(lists, columns, rows)
  return lists.take()
}

/** Adds the parameters of `selectLists` to those of others. */
export function addLists<Row>(lists: BinaryArrays, columns: Columns<Row>, rows: readonly Row[]): void {
  for (const name in columns) {
    const column = columns[name]
    if (column) lists.add(column.sentAs, rows, column.value)
  }
}

/** The parameters of `selectValues`. */
export function plainValues<Row>(columns: Columns<Row>, row: Row): readonly unknown[] {
  return Object.values(columns).map(({ value }) => value(row))
}

function selected(columns: Columns<never>, sent: (column: Column<never>, name: string) => string): string {
  return Object.entries(columns)
    .map(([name, column]) => `${column.toSql(sent(column, name))} AS ${name}`)
    .join(', ')
}
