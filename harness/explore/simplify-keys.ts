import type { Scenario, SendSpec } from '../trial/scenario.ts'

/** The same scenario with its keys numbered from 0 on: who shares one with whom stays as it is. The scenario itself if they are so. */
export function withPlainKeys(scenario: Scenario): Scenario {
  const { producers } = scenario.workload
  const keys = new Set(producers.flatMap(({ sends }) => sends.flatMap(send => ('key' in send ? [send.key] : []))))
  const numbers = new Map([...keys].sort((a, b) => a - b).map((key, index) => [key, index]))
  if ([...numbers].every(([key, index]) => key === index)) return scenario
  const renumbered = (send: SendSpec): SendSpec =>
    'key' in send ? { ...send, key: numbers.get(send.key) ?? send.key } : send
  const plainer = producers.map(producer => ({ ...producer, sends: producer.sends.map(renumbered) }))
  return { ...scenario, workload: { ...scenario.workload, producers: plainer } }
}
