import type { MetadataImage } from '../controller/image/metadata-image.ts'
import { LogConfig } from '../log/log-config.ts'
import { topicDefaultsFromBroker } from '../log/topic-config.ts'
import type { KafkaConfig } from './config/kafka-config.ts'

/** The configuration of a topic on a broker: what was set on the topic, over the broker's dynamic and static defaults. */
export function topicConfigOf(config: KafkaConfig, image: MetadataImage, topic: string): LogConfig {
  const node = image.configs.brokerConfigs(config.nodeId)
  const cluster = image.configs.brokerConfigs(null)
  const defaults = topicDefaultsFromBroker(key => node.get(key) ?? cluster.get(key) ?? config.explicit(key))
  return LogConfig.fromProps(defaults, image.configs.topicConfigs(topic))
}
