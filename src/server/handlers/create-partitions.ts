import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { forwardedHandler } from './forwarded.ts'

export const createPartitionsHandler = forwardedHandler(CreatePartitions, ({ topics }, error) => ({
  results: topics.map(({ name }) => ({ name, ...error })),
}))
