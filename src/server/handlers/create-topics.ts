import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { forwardedHandler } from './forwarded.ts'

export const createTopicsHandler = forwardedHandler(CreateTopics, ({ topics }, error) => ({
  topics: topics.map(({ name }) => ({ name, ...error, configs: [] })),
}))
