/**
 * A broker as clients know it (Kafka's Node). Bootstrap servers, whose id is not known yet, have the ids -1, -2 …; a second
 * connection to a broker, such as that to a coordinator, has an id of its own (2^31 - 1 - the broker's).
 */
export interface Node {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack?: string | null
}
