/** A column that a flush writes: how its values are sent, and what the statement makes of them. */
export interface Column<Row> {
  /** The SQL type that its values are sent as. */
  readonly sentAs: 'bigint' | 'bool' | 'float8' | 'int' | 'text' | 'uuid'
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
