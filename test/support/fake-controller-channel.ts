import type { ControllerChannel } from '../../src/controller/controller-channel.ts'

/** A controller that answers what a test says; anything else is an error of the test. */
export function fakeControllerChannel(answers: Partial<ControllerChannel>): ControllerChannel {
  const unexpected = (name: string) => () => Promise.reject(new Error(`the test expects no call of ${name}`))
  return {
    createTopics: unexpected('createTopics'),
    deleteTopics: unexpected('deleteTopics'),
    createPartitions: unexpected('createPartitions'),
    incrementalAlterConfigs: unexpected('incrementalAlterConfigs'),
    legacyAlterConfigs: unexpected('legacyAlterConfigs'),
    registerBroker: unexpected('registerBroker'),
    brokerHeartbeat: unexpected('brokerHeartbeat'),
    allocateProducerIds: unexpected('allocateProducerIds'),
    alterPartition: unexpected('alterPartition'),
    electLeaders: unexpected('electLeaders'),
    alterPartitionReassignments: unexpected('alterPartitionReassignments'),
    listPartitionReassignments: unexpected('listPartitionReassignments'),
    updateFeatures: unexpected('updateFeatures'),
    unregisterBroker: unexpected('unregisterBroker'),
    assignReplicasToDirs: unexpected('assignReplicasToDirs'),
    ...answers,
  }
}
