import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { forwardedHandler } from './forwarded.ts'

export const deleteTopicsHandler = forwardedHandler(DeleteTopics, ({ topics, topicNames }, error) => ({
  responses: [
    ...topicNames.map(name => ({ name, ...error })),
    ...topics.map(({ name, topicId }) => ({ name, topicId, ...error })),
  ],
}))
